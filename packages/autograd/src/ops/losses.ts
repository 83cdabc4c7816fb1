/** Losses with PyTorch's meanings: the mean over values unless another `reduction` is named. */
import { sameShape, ShapeError } from "@normless/tensor";
import { compose, type Result, tensorOf } from "../apply.js";
import type { Value } from "../tape.js";
import { div, eq, mul, ne, sub, where } from "./binary.js";
import { gather } from "./indexing.js";
import { logSoftmax, mean, sum } from "./reductions.js";
import { expand, squeeze, unsqueeze } from "./shape.js";
import { cast, exp, log, neg, square } from "./unary.js";

/** What becomes of the losses of all values. */
export interface Reduction {
  readonly reduction?: "mean" | "sum" | "none";
}

function finish(loss: Value, reduction: Reduction["reduction"] = "mean"): Value {
  if (reduction === "none") return loss;
  return reduction === "sum" ? sum(loss) : mean(loss);
}

/** (input − target)². */
export function mse<X extends Value, Y extends Value>(
  input: X,
  target: Y,
  { reduction }: Reduction = {},
): Result<X, Y> {
  return compose("mse", [input, target], (input, target) => finish(square(sub(input, target)), reduction));
}

/** What counts, and how much. */
export interface CrossEntropyOptions extends Reduction {
  /** Targets that are left out of loss and mean; −100 unless given. */
  readonly ignoreIndex?: number;
  /** What each class weighs, (V); the mean is over the weights of the targets, unless those are probabilities. */
  readonly weight?: Value | undefined;
}

/**
 * logits (...,V), targets int32 (...) → nats: log Σ exp(logits) − the target's logit; the mean over targets that are not
 * ignored, NaN where all are. Targets may be probabilities (...,V). Classes are the last dimension; PyTorch's are the second
 * one. A language model's head and loss are cheaper in one: linearCrossEntropy.
 * @throws ShapeError for targets of another shape
 */
export function crossEntropy<X extends Value, T extends Value>(
  logits: X,
  targets: T,
  { ignoreIndex = -100, reduction = "mean", weight }: CrossEntropyOptions = {},
): Result<X, T> {
  const probabilities = targets.dtype === "float32";
  if (!sameShape(targets.shape, probabilities ? logits.shape : logits.shape.slice(0, -1))) {
    const shapes = { logits: logits.shape, targets: targets.shape };
    throw new ShapeError(
      "crossEntropy",
      "there is one target a row of logits, or a probability a logit",
      shapes,
    );
  }
  return compose("crossEntropy", [logits, targets, weight], (logits, targets, weight) => {
    const nats = neg(logSoftmax(logits));
    const weighted = weight ? mul(nats, weight) : nats;
    if (probabilities) return finish(sum(mul(weighted, targets), -1), reduction);
    const counts = ne(targets, ignoreIndex);
    const place = tensorOf(unsqueeze(where(counts, targets, 0), -1));
    const ofTargets = (classes: Value) => where(counts, squeeze(gather(classes, -1, place), -1), 0);
    const losses = ofTargets(weighted);
    if (reduction !== "mean") return finish(losses, reduction);
    return div(sum(losses), sum(weight ? ofTargets(expand(weight, logits.shape)) : cast(counts, "float32")));
  });
}

/** Whether the target is given as logarithms. */
export interface KlOptions {
  readonly logTarget?: boolean;
  readonly reduction?: "mean" | "batchmean" | "sum" | "none";
}

/** target · (log target − input), input being log-probabilities: PyTorch's kl_div. `batchmean` is the sum over the first size. */
export function klDivergence<X extends Value, Y extends Value>(
  input: X,
  target: Y,
  { logTarget = false, reduction = "mean" }: KlOptions = {},
): Result<X, Y> {
  return compose("klDivergence", [input, target], (input, target) => {
    // 0 · log 0 is 0.
    const weighted = logTarget
      ? mul(exp(target), target)
      : where(eq(target, 0), 0, mul(target, log(where(eq(target, 0), 1, target))));
    const losses = sub(weighted, mul(logTarget ? exp(target) : target, input));
    return reduction === "batchmean" ? div(sum(losses), input.shape[0] ?? 1) : finish(losses, reduction);
  });
}
