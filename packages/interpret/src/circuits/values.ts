/**
 * The OV circuit of a head on a text: what it writes for a logit, or the difference of two, as a sum over the keys that it
 * attends to and the parts of the residual there. Exact, with the pattern as it is, where the norms before the values and before
 * the head are frozen or folded; behind a LayerNorm the parts are divided by the std of the whole residual, and the sum still
 * holds. Source: Elhage et al. 2021.
 */
import { type HookName, type Model } from "@normless/gpt2";
import { nonlinear, OffBy } from "../parts/exactness.js";
import { addProduct } from "../parts/part-weights.js";
import { classAt, logitPart, readReadout, stdOf, throughNorm } from "../parts/readout.js";
import { finalResidual, type Part } from "../parts/residual-parts.js";
import { checkToken, positionIn } from "../run/prompts.js";
import { checkHead, HeadInput, type HeadPlace } from "./head-input.js";

/** What a head writes for a logit, taken apart. */
export interface ValueParts {
  readonly query: number;
  /** Attention of the query to each key, (query + 1). */
  readonly pattern: Float64Array;
  /** What the residual before the block is made of, and last the biases of the values. */
  readonly parts: readonly Part[];
  /** (query + 1, P) row-major: a row for each key, a column for each part there. */
  readonly logits: Float64Array;
  /** What the whole head adds to the logit, or to the difference. */
  readonly total: number;
  /** |Σ logits − total| over the largest of them. */
  readonly relativeDifference: number;
  /** Whether leaving a part out at a key would change the logit by just its share, the pattern staying. */
  readonly exact: boolean;
  /** Σ |share − what leaving the part out at its key changes| / Σ |that change|, the pattern staying. 0 where exact. */
  readonly offBy: number;
}

/** Which head, for which logit. */
export interface ValueOptions extends HeadPlace {
  /** Counted from the end where negative. Default: the last position. */
  readonly query?: number;
  readonly token: number;
  /** Its logit is taken off. */
  readonly versus?: number;
  /** Refuses a LayerNorm before the values or before the head. */
  readonly exact?: boolean;
}

/** @throws RangeError for no ids, a head, position or token that is not there, and an exact form where there is none */
export async function valueParts(
  model: Model,
  ids: readonly number[],
  { layer, head, query = -1, token, versus, exact = false }: ValueOptions,
): Promise<ValueParts> {
  const { channels: C, heads, vocabSize } = model.config;
  const D = C / heads;
  checkHead(model, { layer, head }, "valueParts");
  const q = positionIn(ids.length, query, "valueParts");
  for (const one of [token, versus]) if (one !== undefined) checkToken(one, vocabSize, "valueParts");
  const linear = nonlinear(model, [`h.${layer}.ln_1:v`, "ln_f"], "valueParts", exact).length === 0;
  const [patterns, outputs]: HookName[] = [
    `blocks.${layer}.attn.hook_pattern`,
    `blocks.${layer}.attn.hook_z`,
  ];
  const final = finalResidual(model);
  const input = await HeadInput.read(model, ids, { layer, head }, [patterns, outputs, final]);
  const T = ids.length;
  const from = (head * T + q) * T;
  const pattern = Float64Array.from(input.captured.tensors[patterns].subarray(from, from + q + 1));
  const readout = await readReadout(model);
  const projection = await model.params[`h.${layer}.attn.c_proj.weight`].read();
  const residual = Float64Array.from(input.captured.tensors[final].subarray(q * C, (q + 1) * C));
  const position = classAt(model, input.ids, q);
  const std = stdOf(readout, residual, position);
  const written = (value: ArrayLike<number>) => {
    const y = new Float64Array(C);
    addProduct(y, value, projection, head * D);
    return y;
  };
  /** What a vector of the residual, divided by a std, adds to the logit or the difference. */
  const shareOf = (x: Float64Array, by: number) => {
    const z = throughNorm(readout, x, by);
    return (
      logitPart(readout, z, token).logit - (versus === undefined ? 0 : logitPart(readout, z, versus).logit)
    );
  };
  const whole = shareOf(residual, std);
  const offBy = new OffBy();
  const rows: Float64Array[] = [];
  let parts: readonly Part[] = [];
  for (let key = 0; key <= q; key++) {
    const values = await input.projected(2, key);
    parts = values.parts;
    rows.push(Float64Array.from(values.vectors, (vector) => pattern[key] * shareOf(written(vector), std)));
    if (linear) continue;
    for (let i = 0; i < values.written; i++) {
      const without = values.without(i);
      const change = written(values.whole.map((x, d) => pattern[key] * (x - without[d])));
      const rest = residual.map((x, c) => x - change[c]);
      offBy.add(rows[key][i], whole - shareOf(rest, stdOf(readout, rest, position)));
    }
  }
  const total = shareOf(written(input.rowOf(outputs, q)), std);
  const logits = Float64Array.from(rows.flatMap((row) => [...row]));
  const largest = logits.reduce((most, share) => Math.max(most, Math.abs(share)), Math.abs(total));
  const gap = Math.abs(logits.reduce((sum, share) => sum + share, 0) - total);
  return {
    ...{ query: q, pattern, parts, logits, total, exact: linear, offBy: offBy.value },
    relativeDifference: largest === 0 ? 0 : gap / largest,
  };
}
