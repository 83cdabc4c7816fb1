/** LayerNorm and the per-token std, with gradients; RMSNorm out of smaller ops. */
import { lastDim } from "@normless/tensor";
import { apply, backendAmong, compose, constantBeside, type Result } from "../apply.js";
import type { Value } from "../tape.js";
import { add, mul } from "./binary.js";
import { mean } from "./reductions.js";
import { rsqrt, square } from "./unary.js";

/** x (...,C), gamma and beta (C) → (...,C). `eps` is added to the variance. Without gamma that is 1, without beta 0. */
export function layerNorm<X extends Value, G extends Value = never>(
  x: X,
  gamma?: G,
  beta?: Value,
  eps = 1e-5,
): Result<X, G> {
  if (!gamma || !beta) {
    const all = (value: number) => {
      const attributes = { shape: [lastDim(x.shape)], value, dtype: "float32" } as const;
      return constantBeside(x, backendAmong("layerNorm", [x]).run("full", {}, attributes).y);
    };
    return compose("layerNorm", [x, gamma, beta], (x, gamma, beta) =>
      layerNorm<Value, Value>(x, gamma ?? all(1), beta ?? all(0), eps),
    );
  }
  return apply("layerNorm", [x, gamma, beta], ([x, gamma, beta], backend) => {
    const { y, mean, rstd } = backend.run("layerNorm", { x, gamma, beta }, { eps });
    return {
      made: [y, mean, rstd],
      backward(dy, gradients, [xv, gv, bv]) {
        const saved = { dy, x, gamma, mean, rstd };
        gradients.add("layerNormGrad", saved, {}, { dx: xv, dgamma: gv, dbeta: bv });
      },
    };
  });
}

/** x (...,C) → (...): sqrt(biased variance + eps) of each token. */
export function rowStd<X extends Value>(x: X, eps = 1e-5): Result<X> {
  return apply("rowStd", [x], ([x], backend) => {
    const { std } = backend.run("rowStd", { x }, { eps });
    return {
      made: [std],
      backward(dstd, gradients, [xv]) {
        gradients.add("rowStdGrad", { dstd, x, std }, {}, { dx: xv });
      },
    };
  });
}

/**
 * x (...,C), gamma (C) → (...,C): x over the root of its mean square plus `eps` (Zhang & Sennrich 2019), times gamma where
 * there is one. PyTorch's eps is 2⁻²³ unless given.
 */
export function rmsNorm<X extends Value, G extends Value = never>(x: X, gamma?: G, eps = 1e-5): Result<X, G> {
  return compose("rmsNorm", [x, gamma], (x, gamma) => {
    const normal = mul(x, rsqrt(add(mean(square(x), -1, { keepdim: true }), eps)));
    return gamma ? mul(normal, gamma) : normal;
  });
}
