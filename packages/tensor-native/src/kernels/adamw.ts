/** AdamW in one pass (native/adamw.c). */
import { adamwCoefficients } from "@normless/tensor";
import { declare } from "../library.js";
import type { Implementation } from "./implementation.js";

const update = declare(
  "int adamw(engine *e, float *param, const float *grad, float *m, float *v, const float *norm_squared, int64_t n, " +
    "float beta1, float rest1, float beta2, float rest2, float eps, float decay, float step, float correction, " +
    "float max_norm)",
);

export const adamw: Implementation<"adamw"> = {
  run(engine, { param, grad, m, v, normSquared }, attributes) {
    const { beta1, beta2, eps, maxNorm } = attributes;
    const { decay, stepSize, correction2 } = adamwCoefficients(attributes);
    const pointers = [param.pointer, grad.pointer, m.pointer, v.pointer, normSquared.pointer];
    const betas = [beta1, 1 - beta1, beta2, 1 - beta2];
    engine.call(update, ...pointers, param.size, ...betas, eps, decay, stepSize, correction2, maxNorm);
  },
};
