import { adamwCoefficients } from "@normless/tensor";
import { CHUNK, type Implementation, unitsOf } from "./implementation.js";

export const adamw: Implementation<"adamw"> = {
  run(engine, { param, grad, m, v, normSquared }, attributes) {
    const { beta1, beta2, eps, maxNorm } = attributes;
    const { decay, stepSize, correction2 } = adamwCoefficients(attributes);
    engine.run(
      "adamw",
      unitsOf(param.size, CHUNK),
      param.size,
      [param.pointer, grad.pointer, m.pointer, v.pointer, normSquared.pointer, param.size],
      [beta1, 1 - beta1, beta2, 1 - beta2, eps, decay, stepSize, correction2, maxNorm],
    );
  },
};
