/**
 * The QK circuit of a head on a text: the score of a query for a key as a sum over pairs of parts, of the residual at the query
 * and of that at the key. Exact where the norm before is frozen or folded; behind a LayerNorm the parts are divided by the std
 * of the whole residual, and the pairs still add up. Source: Elhage et al. 2021.
 */
import { type HookName, type Model, queryScale } from "@normless/gpt2";
import { nonlinear, OffBy } from "../parts/exactness.js";
import { dot } from "../parts/readout.js";
import type { Part } from "../parts/residual-parts.js";
import { positionIn } from "../run/prompts.js";
import { checkHead, HeadInput, type HeadPlace } from "./head-input.js";

/** A score taken apart. */
export interface ScorePairs {
  readonly query: number;
  readonly key: number;
  /** What the residual before the block is made of, and last the biases; the same list at query and key. */
  readonly parts: readonly Part[];
  /** (P,P) row-major: a row for each part at the query, a column for each at the key. */
  readonly pairs: Float64Array;
  /** What the model has, q·k/√D. */
  readonly score: number;
  /** |Σ pairs − score| over the largest of the pairs and the score. */
  readonly relativeDifference: number;
  /** Whether leaving a part out would change the score by just its pairs. */
  readonly exact: boolean;
  /** Σ |pairs of a part − what leaving it out changes| / Σ |that change|, over the parts at query and key. 0 where exact. */
  readonly offBy: number;
}

/** Which score, and whether it has to be exact. */
export interface ScoreOptions extends HeadPlace {
  /** Counted from the end where negative, as `key` is. Default: the last position. */
  readonly query?: number;
  readonly key: number;
  /** Refuses a LayerNorm before queries and keys. */
  readonly exact?: boolean;
}

/**
 * @throws RangeError for no ids, a head that is not there, a position outside of the ids, a key after the query, and an exact
 * form where there is none
 */
export async function scorePairs(
  model: Model,
  ids: readonly number[],
  { layer, head, query = -1, key, exact = false }: ScoreOptions,
): Promise<ScorePairs> {
  checkHead(model, { layer, head }, "scorePairs");
  const [q, k] = [query, key].map((position) => positionIn(ids.length, position, "scorePairs"));
  if (k > q) throw new RangeError(`scorePairs: key ${k} comes after query ${q}, which does not see it`);
  const linear = nonlinear(model, [`h.${layer}.ln_1:qk`], "scorePairs", exact).length === 0;
  const [queries, keys]: HookName[] = [`blocks.${layer}.attn.hook_q`, `blocks.${layer}.attn.hook_k`];
  const input = await HeadInput.read(model, ids, { layer, head }, [queries, keys]);
  const factor = scoreScale(model, layer);
  const [left, right] = [await input.projected(0, q), await input.projected(1, k)];
  const P = left.parts.length;
  const pairs = new Float64Array(P * P);
  for (let i = 0; i < P; i++) {
    for (let j = 0; j < P; j++) pairs[i * P + j] = factor * dot(left.vectors[i], right.vectors[j]);
  }
  const score = factor * dot(input.rowOf(queries, q), input.rowOf(keys, k));
  const sum = pairs.reduce((total, pair) => total + pair, 0);
  const largest = pairs.reduce((most, pair) => Math.max(most, Math.abs(pair)), Math.abs(score));
  const offBy = new OffBy();
  for (let i = 0; i < left.written && !linear; i++) {
    let [row, column] = [0, 0];
    for (let j = 0; j < P; j++) {
      row += pairs[i * P + j];
      column += pairs[j * P + i];
    }
    offBy.add(row, sum - factor * dot(left.without(i), right.whole));
    offBy.add(column, sum - factor * dot(left.whole, right.without(i)));
  }
  return {
    ...{ query: q, key: k, parts: left.parts, pairs, score, exact: linear, offBy: offBy.value },
    relativeDifference: largest === 0 ? 0 : Math.abs(sum - score) / largest,
  };
}

/** What q·k is multiplied by. */
function scoreScale({ config }: Pick<Model, "config">, layer: number): number {
  return queryScale(config, layer) / Math.sqrt(config.channels / config.heads);
}
