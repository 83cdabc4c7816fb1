/** What a model is trained on and measured by: cross-entropy of a text, or KL from a teacher, over a pass without its logits. */
import {
  add,
  linearCrossEntropy,
  rowStd,
  scale,
  squaredDistance,
  stdSpread,
  type Variable,
  weightedCrossEntropy,
  weightedKlDivergence,
} from "@normless/autograd";
import type { Tensor } from "@normless/tensor";
import type { Tokens } from "./batch.js";
import { headInput, headOf, headWeight, residual } from "./forward.js";
import type { BoundModel, ForwardOptions, Model } from "./pass.js";

/** Nats of each target, (B,T); targets int32 (B,T). */
export function tokenLosses(
  model: BoundModel,
  tokens: Tokens,
  targets: Tensor,
  options: ForwardOptions = {},
): Variable {
  const x = headInput(model, residual(model, tokens, options), tokens, options);
  return linearCrossEntropy(x, { w: headWeight(model), bias: model.params["lm_head.bias"], targets });
}

/** What a training loss is of, and what is added to it. */
export interface TrainingLossOptions extends ForwardOptions {
  /** Targets of the whole batch, over all its micro-batches: what the sum of losses is divided by. */
  readonly totalTokens: number;
  /**
   * Whose prediction is to be matched, in place of the text's next tokens: the loss is then KL(teacher ‖ model), the
   * targets do not count. It needs the model's vocabulary.
   */
  readonly teacher?: Model | undefined;
  /** λ of the auxiliary loss on the final residual's stds (Baroni et al. 2025, eq. 3); 0 leaves it out. */
  readonly auxiliaryWeight?: number;
  /**
   * What the auxiliary loss draws the stds to: a number (TaperNorm 2026, arXiv 2602.10408), or by default the mean std
   * of this micro-batch's ordinary tokens (Baroni et al.).
   */
  readonly auxiliaryTarget?: number | undefined;
}

/**
 * This micro-batch's share of the batch's mean loss, in nats; the shares add up to the mean over all tokens. The
 * auxiliary loss is weighed by the micro-batch's share of tokens likewise. Returns the share without it, and it, apart.
 */
export function trainingLoss(
  model: BoundModel,
  tokens: Tokens,
  targets: Tensor,
  { totalTokens, teacher, auxiliaryWeight = 0, auxiliaryTarget, ...options }: TrainingLossOptions,
): {
  readonly total: Variable;
  readonly prediction: Variable;
  /** As it is added, λ included; undefined where it is left out. */
  readonly auxiliary?: Variable;
} {
  const read = teacher && headOf(teacher, tokens);
  const x = residual(model, tokens, options);
  const head = { w: headWeight(model), bias: model.params["lm_head.bias"] };
  const input = headInput(model, x, tokens, options);
  const prediction = read
    ? weightedKlDivergence(input, { ...head, teacher: read }, 1 / totalTokens)
    : weightedCrossEntropy(input, { ...head, targets }, 1 / totalTokens);
  read?.x.free();
  if (auxiliaryWeight === 0) return { total: prediction, prediction };
  const share = targets.size / totalTokens;
  const stds = rowStd(x);
  const spread =
    auxiliaryTarget === undefined ? stdSpread(stds, tokens.classes) : squaredDistance(stds, auxiliaryTarget);
  const auxiliary = scale(spread, auxiliaryWeight * share);
  return { total: add(prediction, auxiliary), prediction, auxiliary };
}
