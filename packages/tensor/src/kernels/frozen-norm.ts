/**
 * LayerNorm with its std frozen: y = (x−mean)/std·gamma + beta, where std is a constant for each position class.
 * The constants are indexed by token, never by channel (the published code mixed the two up), and get no gradient.
 * Source: Heimersheim 2024 (arXiv 2409.13710), Baroni et al. 2025 (arXiv 2507.02559) eq. 2.
 */
import { ShapeError } from "../errors.js";
import { lastDim, rowsOf } from "../shape.js";
import { contract, float32, INT32 } from "./contract.js";
import { checkNormOperands, rowMean } from "./layer-norm.js";
import { checkClasses, type PerClass, POSITION_CLASSES } from "./position-class.js";

/** What a frozen norm divides by. */
export interface FrozenNormAttributes {
  /** The constant that divides, in the residual's units; positive and finite. */
  readonly std: PerClass;
}

function checkStd(op: string, std: PerClass): void {
  for (const name of POSITION_CLASSES) {
    if (!(std[name] > 0 && Number.isFinite(std[name]))) {
      throw new RangeError(`${op}: std.${name} is ${std[name]}; a frozen std is positive and finite`);
    }
  }
}

/** The three constants in the order of the classes' numbers. */
export function stdByClass(std: PerClass): number[] {
  return POSITION_CLASSES.map((name) => std[name]);
}

/** x (...,C), gamma, beta (C), classes int32 (...) → y (...,C). A std that is no positive number is a RangeError. */
export const frozenNorm = contract<FrozenNormAttributes>()({
  inputs: ["x", "gamma", "beta", "classes"],
  dtypes: { classes: INT32 },
  outputs: ["y"],
  infer({ x, gamma, beta, classes }, { std }) {
    checkStd("frozenNorm", std);
    checkNormOperands("frozenNorm", x, { gamma, beta });
    checkClasses("frozenNorm", rowsOf(x.shape), classes);
    return { y: float32(x.shape) };
  },
  naive({ x, gamma, beta, classes }, { std }, { y }) {
    const C = lastDim(x.shape);
    const constants = stdByClass(std);
    for (let n = 0; n < rowsOf(x.shape); n++) {
      const mu = rowMean(x, n, C);
      const s = constants[classes.data[n]];
      for (let c = 0; c < C; c++) {
        y.data[n * C + c] = ((x.data[n * C + c] - mu) / s) * gamma.data[c] + beta.data[c];
      }
    }
  },
});

/** With a = dy·gamma/std: dx = a − mean(a); dgamma = Σ dy·(x−mean)/std; dbeta = Σ dy. */
export const frozenNormGrad = contract<FrozenNormAttributes>()({
  inputs: ["dy", "x", "gamma", "classes"],
  dtypes: { classes: INT32 },
  outputs: ["dx", "dgamma", "dbeta"],
  infer({ dy, x, gamma, classes }, { std }) {
    checkStd("frozenNormGrad", std);
    checkNormOperands("frozenNormGrad", x, { gamma });
    checkClasses("frozenNormGrad", rowsOf(x.shape), classes);
    if (rowsOf(dy.shape) !== rowsOf(x.shape) || lastDim(dy.shape) !== lastDim(x.shape)) {
      throw new ShapeError("frozenNormGrad", "dy and x differ", { dy: dy.shape, x: x.shape });
    }
    return { dx: float32(x.shape), dgamma: float32(gamma.shape), dbeta: float32(gamma.shape) };
  },
  naive({ dy, x, gamma, classes }, { std }, { dx, dgamma, dbeta }) {
    const C = lastDim(x.shape);
    const constants = stdByClass(std);
    for (let n = 0; n < rowsOf(x.shape); n++) {
      const mu = rowMean(x, n, C);
      const s = constants[classes.data[n]];
      let meanA = 0;
      for (let c = 0; c < C; c++) {
        const g = dy.data[n * C + c];
        meanA += (g * gamma.data[c]) / s / C;
        dgamma.data[c] += (g * (x.data[n * C + c] - mu)) / s;
        dbeta.data[c] += g;
      }
      for (let c = 0; c < C; c++) dx.data[n * C + c] = (dy.data[n * C + c] * gamma.data[c]) / s - meanA;
    }
  },
});
