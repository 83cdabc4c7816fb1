/**
 * What a head writes, in tokens: for every key that a query attends to, and for all of them together, the logits that it adds,
 * over their mean, which a softmax does not see. Behind a LayerNorm what is written is divided by the std of the whole final
 * residual. Source: Elhage et al. 2021, the OV circuit.
 */
import type { HookName, Model } from "@normless/gpt2";
import { largest } from "../parts/lens-tokens.js";
import { addProduct } from "../parts/part-weights.js";
import { allLogits, classAt, readReadout, stdOf, throughNorm } from "../parts/readout.js";
import { finalResidual } from "../parts/residual-parts.js";
import { positionIn } from "../run/prompts.js";
import { checkHead, HeadInput, type HeadPlace } from "./head-input.js";

/** A token and what is added to its logit, over the mean of what is added to all. */
export interface WrittenToken {
  readonly token: number;
  readonly logit: number;
}

/** The tokens that something is written for most, and against most. */
export interface WrittenTokens {
  readonly most: readonly WrittenToken[];
  readonly least: readonly WrittenToken[];
}

/** What a head writes at a query. */
export interface HeadTokens {
  readonly query: number;
  /** (T,T) row-major: the attention of every query to every key. */
  readonly pattern: Float64Array;
  /** What it writes in all, the constants of its values left out, which do not depend on the text. */
  readonly whole: WrittenTokens;
  /** The part of that from each key, (query + 1). */
  readonly keys: readonly WrittenTokens[];
}

/** @throws RangeError for no ids, and a head or position that is not there */
export async function headTokens(
  model: Model,
  ids: readonly number[],
  { layer, head, query = -1, top = 5 }: HeadPlace & { readonly query?: number; readonly top?: number },
): Promise<HeadTokens> {
  const { channels: C, heads } = model.config;
  const [D, T] = [C / heads, ids.length];
  checkHead(model, { layer, head }, "headTokens");
  const q = positionIn(T, query, "headTokens");
  const patterns: HookName = `blocks.${layer}.attn.hook_pattern`;
  const final = finalResidual(model);
  const input = await HeadInput.read(model, ids, { layer, head }, [patterns, final]);
  const pattern = Float64Array.from(
    input.captured.tensors[patterns].subarray(head * T * T, (head + 1) * T * T),
  );
  const readout = await readReadout(model);
  const projection = await model.params[`h.${layer}.attn.c_proj.weight`].read();
  const residual = input.captured.tensors[final].subarray(q * C, (q + 1) * C);
  const std = stdOf(readout, residual, classAt(model, input.ids, q));
  const whole = new Float64Array(D);
  const told = (value: Float64Array): WrittenTokens => {
    const written = new Float64Array(C);
    addProduct(written, value, projection, head * D);
    const z = throughNorm(readout, written, std);
    const logits = allLogits(readout, z).map((logit, t) => logit - readout.bias[t]);
    const mean = logits.reduce((sum, logit) => sum + logit, 0) / logits.length;
    const listed = (sign: 1 | -1) =>
      largest(
        logits.map((logit) => sign * logit),
        top,
      ).map((token) => ({ token, logit: logits[token] - mean }));
    return { most: listed(1), least: listed(-1) };
  };
  const keys: WrittenTokens[] = [];
  for (let key = 0; key <= q; key++) {
    const { vectors, written } = await input.projected(2, key);
    const value = new Float64Array(D);
    for (const vector of vectors.slice(0, written))
      vector.forEach((x, d) => (value[d] += pattern[q * T + key] * x));
    value.forEach((x, d) => (whole[d] += x));
    keys.push(told(value));
  }
  return { query: q, pattern, whole: told(whole), keys };
}
