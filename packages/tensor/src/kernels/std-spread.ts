/**
 * Statistics of per-token stds by position class, and the auxiliary loss that keeps the final residual's stds
 * together: mean over all tokens of (std − target)², where target is the mean std of the tokens that are neither
 * first nor end-of-text, taken as a constant. Source: Baroni et al. 2025 (arXiv 2507.02559) eq. 3.
 */
import { ShapeError } from "../errors.js";
import { sameShape, sizeOf } from "../shape.js";
import { contract, float32, type None, INT32 } from "./contract.js";
import { checkClasses, REST } from "./position-class.js";

/** Mean and number of values in each position class; the mean of an empty class is 0. */
export const classMean = contract<None>()({
  inputs: ["values", "classes"],
  dtypes: { classes: INT32 },
  outputs: ["mean", "count"],
  infer({ values, classes }) {
    checkClasses("classMean", sizeOf(values.shape), classes);
    return { mean: float32([3]), count: float32([3]) };
  },
  naive({ values, classes }, _attributes, { mean, count }) {
    for (let n = 0; n < values.data.length; n++) {
      count.data[classes.data[n]] += 1;
      mean.data[classes.data[n]] += values.data[n];
    }
    for (let k = 0; k < 3; k++) if (count.data[k] > 0) mean.data[k] /= count.data[k];
  },
});

/** `loss` is the auxiliary loss before its weight; `target` is 1 when no token is of class rest. */
export const stdSpread = contract<None>()({
  inputs: ["std", "classes"],
  dtypes: { classes: INT32 },
  outputs: ["loss", "target"],
  infer({ std, classes }) {
    checkClasses("stdSpread", sizeOf(std.shape), classes);
    return { loss: float32([]), target: float32([]) };
  },
  naive({ std, classes }, _attributes, { loss, target }) {
    const N = std.data.length;
    let sum = 0;
    let count = 0;
    for (let n = 0; n < N; n++) {
      if (classes.data[n] !== REST) continue;
      sum += std.data[n];
      count += 1;
    }
    target.data[0] = count > 0 ? sum / count : 1;
    let total = 0;
    for (let n = 0; n < N; n++) total += (std.data[n] - target.data[0]) ** 2;
    loss.data[0] = total / N;
  },
});

/** dstd = dloss·2(std − target)/N; nothing flows into the target. */
export const stdSpreadGrad = contract<None>()({
  inputs: ["dloss", "std", "target"],
  outputs: ["dstd"],
  infer({ dloss, std, target }) {
    if (!sameShape(dloss.shape, []) || !sameShape(target.shape, [])) {
      throw new ShapeError("stdSpreadGrad", "dloss and target are scalars", {
        dloss: dloss.shape,
        target: target.shape,
      });
    }
    return { dstd: float32(std.shape) };
  },
  naive({ dloss, std, target }, _attributes, { dstd }) {
    const N = std.data.length;
    for (let n = 0; n < N; n++) dstd.data[n] = (dloss.data[0] * 2 * (std.data[n] - target.data[0])) / N;
  },
});
