/** AdamW in one pass (native/adamw.c). */
import { adamwCoefficients } from "@normless/tensor";
import { declare } from "../library.js";
import { flag, type Implementation } from "./implementation.js";

const update = declare(
  "int adamw(engine *e, float *param, const float *grad, kept *m, kept *v, const float *norm_squared, int64_t n, " +
    "float beta1, float rest1, float beta2, float rest2, float eps, float decay, float step, float correction, " +
    "float max_norm, int half, int number)",
);

export const adamw: Implementation<"adamw"> = {
  run(engine, { param, grad, m, v, normSquared }, attributes) {
    const { beta1, beta2, eps, maxNorm, step } = attributes;
    const { decay, stepSize, correction2 } = adamwCoefficients(attributes);
    const pointers = [param.pointer, grad.pointer, m.pointer, v.pointer, normSquared.pointer];
    const betas = [beta1, 1 - beta1, beta2, 1 - beta2];
    const rest = [eps, decay, stepSize, correction2, maxNorm, flag(m.dtype === "bfloat16"), step];
    engine.call(update, ...pointers, param.size, ...betas, ...rest);
  },
};
