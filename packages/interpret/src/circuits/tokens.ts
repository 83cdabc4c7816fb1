/**
 * A head's circuits from the weights alone, between token embeddings: how much a token as query looks for every token as key (QK),
 * and what attending to a token writes into the logits (OV). Without LayerNorms they are what a text's scores and logits have of
 * their embeddings, at any place but the first; behind a LayerNorm they depend on the text. Source: Elhage et al. 2021.
 */
import { type Model, type NormSite, queryScale } from "@normless/gpt2";
import type { PositionClass } from "@normless/tensor";
import { nonlinear } from "../parts/exactness.js";
import { addProduct } from "../parts/part-weights.js";
import { dot, logitPart, readReadout, stdOf, throughNorm } from "../parts/readout.js";
import { checkToken } from "../run/prompts.js";
import { checkHead, type HeadPlace, readHeadProjection } from "./head-input.js";
import { dividerOf } from "./through-norm.js";

/** A head and a token. */
export interface TokenCircuitOptions extends HeadPlace {
  readonly token: number;
}

/**
 * The part of the score that two embeddings make, (V): `token` is the query, an element for every key.
 * @throws RangeError for a head or token that is not there, and for a model with a LayerNorm before queries and keys
 */
export async function tokenScores(
  model: Model,
  { layer, head, token }: TokenCircuitOptions,
): Promise<Float64Array> {
  const { config, params } = model;
  const { channels: C, heads, vocabSize: V } = config;
  checkHead(model, { layer, head }, "tokenScores");
  checkToken(token, V, "tokenScores");
  const site: NormSite = `h.${layer}.ln_1:qk`;
  nonlinear(model, [site], "tokenScores", true);
  const wte = await params["wte.weight"].read();
  const [queries, keys] = [
    await readHeadProjection(model, { layer, head }, 0),
    await readHeadProjection(model, { layer, head }, 1),
  ];
  const D = C / heads;
  const query = new Float64Array(D);
  const read = embeddingsThrough(model, site, wte);
  addProduct(query, read(token), queries.weight, 0);
  const looksFor = Float64Array.from({ length: C }, (_, c) =>
    dot(query, keys.weight.subarray(c * D, (c + 1) * D)),
  );
  const factor = queryScale(config, layer) / Math.sqrt(D);
  return Float64Array.from({ length: V }, (_, key) => factor * dot(read(key), looksFor));
}

/**
 * What the head adds to every logit, (V), where it attends to nothing but the embedding of `token`.
 * @throws RangeError for a head or token that is not there, and for a model with a LayerNorm before the values or the head
 */
export async function tokenLogits(
  model: Model,
  { layer, head, token }: TokenCircuitOptions,
): Promise<Float64Array> {
  const { channels: C, heads, vocabSize: V } = model.config;
  checkHead(model, { layer, head }, "tokenLogits");
  checkToken(token, V, "tokenLogits");
  const site: NormSite = `h.${layer}.ln_1:v`;
  nonlinear(model, [site, "ln_f"], "tokenLogits", true);
  const D = C / heads;
  const value = new Float64Array(D);
  const read = embeddingsThrough(model, site, await model.params["wte.weight"].read());
  addProduct(value, read(token), (await readHeadProjection(model, { layer, head }, 2)).weight, 0);
  const written = new Float64Array(C);
  addProduct(written, value, await model.params[`h.${layer}.attn.c_proj.weight`].read(), head * D);
  const readout = await readReadout(model);
  const z = throughNorm(readout, written, stdOf(readout, written, "rest"));
  return Float64Array.from({ length: V }, (_, id) => logitPart(readout, z, id).logit);
}

/** The embedding of a token, (C), as a site reads it past the first position. */
function embeddingsThrough(
  model: Model,
  site: NormSite,
  wte: ArrayLike<number> & { subarray(from: number, to: number): ArrayLike<number> },
) {
  const { channels: C, eot } = model.config;
  const { std, divide } = dividerOf(model, site);
  return (token: number): Float64Array => {
    const row = wte.subarray(token * C, (token + 1) * C);
    const position: PositionClass = token === eot ? "eot" : "rest";
    return divide(row, std(row, position));
  };
}
