/**
 * LayerNorm (Ba et al. 2016) over the last dimension: y = (x−mean)·rstd·gamma + beta, with biased variance and eps
 * inside the root, and the per-token std that the frozen variant and the auxiliary loss are made of.
 */
import { ShapeError } from "../errors.js";
import { lastDim, rowsOf } from "../shape.js";
import type { Shaped } from "./contract.js";
import { contract, float32, type View } from "./contract.js";

/** The epsilon of a norm or of a std. */
export interface EpsAttributes {
  /** Added to the variance, inside the root. GPT-2: 1e-5. */
  readonly eps: number;
}

/** gamma and beta of a norm are (C). @throws ShapeError */
export function checkNormOperands(op: string, x: Shaped, channels: Record<string, Shaped>): void {
  const C = lastDim(x.shape);
  for (const [name, spec] of Object.entries(channels)) {
    if (spec.shape.length !== 1 || spec.shape[0] !== C) {
      throw new ShapeError(op, `${name} needs shape [${C}], the channels of x`, {
        x: x.shape,
        [name]: spec.shape,
      });
    }
  }
}

/** One value a row. */
function checkRows(op: string, x: Shaped, rows: Record<string, Shaped>): void {
  for (const [name, { shape }] of Object.entries(rows)) {
    if (shape.reduce((a, b) => a * b, 1) !== rowsOf(x.shape)) {
      throw new ShapeError(op, `${name} needs one value a row of x`, { x: x.shape, [name]: shape });
    }
  }
}

/** The mean of row `n` of x (N,C). */
export function rowMean(x: View, n: number, C: number): number {
  let sum = 0;
  for (let c = 0; c < C; c++) sum += x.data[n * C + c];
  return sum / C;
}

/** x (...,C), gamma, beta (C) → y (...,C), mean and rstd (...). */
export const layerNorm = contract<EpsAttributes>()({
  inputs: ["x", "gamma", "beta"],
  outputs: ["y", "mean", "rstd"],
  infer({ x, gamma, beta }) {
    checkNormOperands("layerNorm", x, { gamma, beta });
    const rows = float32(x.shape.slice(0, -1));
    return { y: float32(x.shape), mean: rows, rstd: rows };
  },
  naive({ x, gamma, beta }, { eps }, { y, mean, rstd }) {
    const C = lastDim(x.shape);
    for (let n = 0; n < rowsOf(x.shape); n++) {
      const mu = rowMean(x, n, C);
      let variance = 0;
      for (let c = 0; c < C; c++) variance += (x.data[n * C + c] - mu) ** 2 / C;
      const r = 1 / Math.sqrt(variance + eps);
      mean.data[n] = mu;
      rstd.data[n] = r;
      for (let c = 0; c < C; c++) {
        y.data[n * C + c] = (x.data[n * C + c] - mu) * r * gamma.data[c] + beta.data[c];
      }
    }
  },
});

/** With x̂ = (x−mean)·rstd and a = dy·gamma: dx = (a − mean(a) − x̂·mean(a·x̂))·rstd. */
export const layerNormGrad = contract<Readonly<Record<never, never>>>()({
  inputs: ["dy", "x", "gamma", "mean", "rstd"],
  outputs: ["dx", "dgamma", "dbeta"],
  infer({ dy, x, gamma, mean, rstd }) {
    checkNormOperands("layerNormGrad", x, { gamma });
    checkRows("layerNormGrad", x, { mean, rstd });
    if (rowsOf(dy.shape) !== rowsOf(x.shape) || lastDim(dy.shape) !== lastDim(x.shape)) {
      throw new ShapeError("layerNormGrad", "dy and x differ", { dy: dy.shape, x: x.shape });
    }
    return { dx: float32(x.shape), dgamma: float32(gamma.shape), dbeta: float32(gamma.shape) };
  },
  naive({ dy, x, gamma, mean, rstd }, _attributes, { dx, dgamma, dbeta }) {
    const C = lastDim(x.shape);
    for (let n = 0; n < rowsOf(x.shape); n++) {
      const normalized = (c: number) => (x.data[n * C + c] - mean.data[n]) * rstd.data[n];
      let meanA = 0;
      let meanAX = 0;
      for (let c = 0; c < C; c++) {
        const g = dy.data[n * C + c];
        meanA += (g * gamma.data[c]) / C;
        meanAX += (g * gamma.data[c] * normalized(c)) / C;
        dgamma.data[c] += g * normalized(c);
        dbeta.data[c] += g;
      }
      for (let c = 0; c < C; c++) {
        const a = dy.data[n * C + c] * gamma.data[c];
        dx.data[n * C + c] = (a - meanA - normalized(c) * meanAX) * rstd.data[n];
      }
    }
  },
});

/** std of each token, sqrt(biased variance + eps): (...,C) → (...). */
export const rowStd = contract<EpsAttributes>()({
  inputs: ["x"],
  outputs: ["std"],
  infer: ({ x }) => ({ std: float32(x.shape.slice(0, -1)) }),
  naive({ x }, { eps }, { std }) {
    const C = lastDim(x.shape);
    for (let n = 0; n < rowsOf(x.shape); n++) {
      const mu = rowMean(x, n, C);
      let variance = 0;
      for (let c = 0; c < C; c++) variance += (x.data[n * C + c] - mu) ** 2 / C;
      std.data[n] = Math.sqrt(variance + eps);
    }
  },
});

/** dx = dstd·(x−mean)/(C·std). */
export const rowStdGrad = contract<Readonly<Record<never, never>>>()({
  inputs: ["dstd", "x", "std"],
  outputs: ["dx"],
  infer({ dstd, x, std }) {
    checkRows("rowStdGrad", x, { dstd, std });
    return { dx: float32(x.shape) };
  },
  naive({ dstd, x, std }, _attributes, { dx }) {
    const C = lastDim(x.shape);
    for (let n = 0; n < rowsOf(x.shape); n++) {
      const mu = rowMean(x, n, C);
      for (let c = 0; c < C; c++) {
        dx.data[n * C + c] = (dstd.data[n] * (x.data[n * C + c] - mu)) / (C * std.data[n]);
      }
    }
  },
});
