/** A model's loss on tokens in order, kept token by token and sequence by sequence. */
import type { Model } from "@normless/gpt2";
import { sequentialBatches } from "@normless/text";
import type { BatchSizes } from "./validation-loss.js";
import { checkNats, tokenNats } from "./nats.js";
import type { Groups } from "@normless/statistics";

/** Nats of every target, and of each sequence. */
export interface TokenEvaluation {
  /** Nats of each target that counts, in order. */
  readonly nats: Float32Array;
  /** For each sequence of blockSize tokens (the last may be shorter) the nats of its targets, and how many count. */
  readonly sequences: Groups;
}

/** How the tokens are cut, and which targets count. */
export interface EvaluateOptions extends BatchSizes {
  /** Whether targets that are end-of-text count; they are read as inputs either way. Default true. */
  readonly eotTargets?: boolean | undefined;
}

/**
 * Evaluates on `tokens` in sequences that do not overlap; yields the targets done so far, batch by batch. Memory grows
 * by 4 bytes a token.
 * @throws RangeError when there are fewer than 2 tokens, or `eotTargets` is false and the model has no end-of-text;
 * NotFiniteError naming the first target whose nats are no number
 */
export async function* evaluateTokens(
  model: Model,
  tokens: Uint16Array,
  { eotTargets = true, ...sizes }: EvaluateOptions,
): AsyncGenerator<number, TokenEvaluation> {
  const { config } = model;
  if (!eotTargets && config.eot === undefined) {
    throw new RangeError("evaluateTokens: the model's config names no end-of-text, so it cannot be left out");
  }
  const nats = new Float32Array(Math.max(0, tokens.length - 1));
  const sums: number[] = [];
  const counts: number[] = [];
  let kept = 0;
  let done = 0;
  for (const batch of sequentialBatches({ tokens, ...sizes })) {
    const values = await tokenNats(model, batch);
    checkNats(values, batch, { sequence: sums.length });
    for (let row = 0; row < batch.B; row++) {
      let sum = 0;
      const first = kept;
      for (let i = row * batch.T; i < (row + 1) * batch.T; i++) {
        if (!eotTargets && batch.targets[i] === config.eot) continue;
        sum += values[i];
        nats[kept++] = values[i];
      }
      sums.push(sum);
      counts.push(kept - first);
    }
    done += batch.targets.length;
    yield done;
  }
  return { nats: nats.subarray(0, kept), sequences: { sums, counts } };
}
