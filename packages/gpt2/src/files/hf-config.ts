/**
 * A Hugging Face `config.json` to a config and a table of norms, and back. What would make another model than this
 * package computes is refused, never ignored. Reading the file is the caller's (hf-folder.ts).
 * Source: https://huggingface.co/docs/transformers/model_doc/gpt2#transformers.GPT2Config
 */
import { checkWritable, foldedNorm, parseNorm, sameNorm } from "@normless/layernorm";
import { checkNesting, FormatError, show } from "@normless/text";
import { checkConfig, DEFAULT_EPS, endOfText, type Gpt2Config, GPT2_EOT, isToken } from "../model/config.js";
import { allFloats, Float, jsonText } from "./json.js";
import { isFolded, normSites, type NormTable, standardNorms } from "../model/sites.js";

/**
 * The `model_type` of a model whose norms are not LayerNorms. Stock software knows only `gpt2`: it would put its own
 * LayerNorms into such a model and compute something else, with a warning at best, so it must not take it for one.
 */
export const NORMLESS_TYPE = "gpt2-normless";

const FILE = "config.json";

/** The names that transformers has for the two functions: `ACT2FN` gives them the same values but for rounding. */
const TANH_GELUS = ["gelu_new", "gelu_fast", "gelu_pytorch_tanh", "gelu_python_tanh", "gelu_accurate"];
const EXACT_GELUS = ["gelu", "gelu_python"];

/** What a config.json says. */
export interface ReadConfig {
  readonly config: Gpt2Config;
  readonly norms: NormTable;
  /** What was read as something that people might not expect, in words. */
  readonly notes: readonly string[];
}

/**
 * The parsed content of config.json. Its own field `normless` tells the norms (see `configText`); without it every
 * norm is a LayerNorm with the config's epsilon, 1e12 in the files of `toEps1e12`. `eos_token_id` is read as
 * transformers reads it: ids outside the vocabulary are never met, and each of a list ends generation.
 * @throws FormatError naming the field, its value and what is expected.
 */
export function configFromHf(json: unknown): ReadConfig {
  checkNesting(json, FILE);
  const hf = object(FILE, json);
  oneOf(hf, "model_type", ["gpt2", NORMLESS_TYPE]);
  const activation = oneOf(hf, "activation_function", [undefined, ...TANH_GELUS, ...EXACT_GELUS]);
  // A variant that transformers computes and this package does not.
  oneOf(hf, "add_cross_attention", [undefined, false]);

  const channels = size(hf, "n_embd");
  const layers = size(hf, "n_layer");
  const { normless } = hf;
  if (normless === undefined && hf.model_type === NORMLESS_TYPE) {
    throw wrong("normless", normless, "an object that tells the norms, as this model_type has");
  }
  const { ids, notes } = eosTokenIds(hf.eos_token_id, size(hf, "vocab_size"));
  const shape = checkConfig({
    vocabSize: size(hf, "vocab_size"),
    blockSize: size(hf, hf.n_positions === undefined ? "n_ctx" : "n_positions"),
    channels,
    layers,
    heads: size(hf, "n_head"),
    inner: hf.n_inner === undefined || hf.n_inner === null ? 4 * channels : size(hf, "n_inner"),
    gelu: EXACT_GELUS.includes(String(activation)) ? "none" : "tanh",
    eps: DEFAULT_EPS,
    tied: flag(hf, "tie_word_embeddings", true),
    eot: endOfText(ids),
    ...(ids.length > 1 && { eosTokenIds: ids }),
    ...otherTokens(hf, endOfText(ids)),
    ...(!flag(hf, "scale_attn_weights", true) && { scaleAttnWeights: false }),
    ...(flag(hf, "scale_attn_by_inverse_layer_idx", false) && { scaleAttnByInverseLayerIdx: true }),
    ...(flag(hf, "reorder_and_upcast_attn", false) && { reorderAndUpcastAttn: true }),
  });
  // A table of norms is as long as the layers are many, which are bounded by now.
  const told = normless === undefined ? undefined : parseNorms(shape, normless);
  const eps = told && isFolded(told) ? DEFAULT_EPS : epsilon(hf.layer_norm_epsilon);
  const config = { ...shape, eps };
  return { config, norms: told ?? standardNorms(config), notes };
}

/**
 * What to write as config.json, its floats as floats (`1e12` as `1000000000000.0`). `configFromHf` gives config and
 * norms back, but for the epsilon of a folded model, which has none: that is read as 1e-5.
 * @param more fields to add, such as `torch_dtype`
 * @throws TypeError naming the first site whose norm is from outside, which no file can hold
 */
export function configText(
  config: Gpt2Config,
  norms: NormTable,
  more: Readonly<Record<string, unknown>> = {},
): string {
  checkWritable(norms);
  return `${jsonText({ ...configToHf(config, norms), ...more })}\n`;
}

/** Whether stock software has an architecture for it: every norm is a LayerNorm with the config's epsilon. */
export function isStock(config: Gpt2Config, norms: NormTable): boolean {
  const standard = standardNorms(config);
  return normSites(config).every((site) => sameNorm(norms[site], standard[site]));
}

/** The fields. Whatever is a float to readers of config.json is said to be one here. */
function configToHf(config: Gpt2Config, norms: NormTable): Record<string, unknown> {
  const isStandard = isStock(config, norms);
  const folded = isFolded(norms);
  const {
    scaleAttnWeights,
    scaleAttnByInverseLayerIdx,
    reorderAndUpcastAttn,
    eosTokenIds,
    eot = null,
    bosTokenId = eot,
    padTokenId,
  } = config;
  return {
    architectures: [isStandard ? "GPT2LMHeadModel" : "NormlessGPT2"],
    model_type: isStandard ? "gpt2" : NORMLESS_TYPE,
    activation_function: config.gelu === "tanh" ? "gelu_new" : "gelu",
    vocab_size: config.vocabSize,
    n_positions: config.blockSize,
    // The same to stock software of old, which knows no folded model.
    n_ctx: folded ? undefined : config.blockSize,
    n_embd: config.channels,
    n_layer: config.layers,
    n_head: config.heads,
    n_inner: config.inner === 4 * config.channels ? null : config.inner,
    layer_norm_epsilon: folded ? undefined : new Float(config.eps),
    scale_attn_weights: scaleAttnWeights,
    scale_attn_by_inverse_layer_idx: scaleAttnByInverseLayerIdx,
    reorder_and_upcast_attn: reorderAndUpcastAttn,
    tie_word_embeddings: config.tied,
    bos_token_id: bosTokenId,
    eos_token_id: eosTokenIds ?? eot,
    pad_token_id: padTokenId,
    ...(isStandard ? {} : { normless: { norms: folded ? "folded" : allFloats(norms) } }),
  };
}

/** `"folded"` for all sites, or one norm a site. */
function parseNorms(config: Pick<Gpt2Config, "layers">, normless: unknown): NormTable {
  const { norms } = object("normless", normless);
  const sites = new Set<string>(normSites(config));
  if (norms === "folded") return Object.fromEntries([...sites].map((site) => [site, foldedNorm]));
  const table = object("normless.norms", norms);
  const stranger = Object.keys(table).find((site) => !sites.has(site));
  if (stranger !== undefined) {
    throw new FormatError(
      `${FILE}: normless.norms has ${show(stranger)}, which is no norm site of ${config.layers} layers`,
    );
  }
  return Object.fromEntries(
    [...sites].map((site) => {
      try {
        return [site, parseNorm(table[site])];
      } catch (cause) {
        const message = cause instanceof Error ? cause.message : String(cause);
        throw new FormatError(`${FILE}: normless.norms["${site}"]: ${message}`, { cause });
      }
    }),
  );
}

function epsilon(value: unknown): number {
  if (value === undefined) return DEFAULT_EPS;
  // Plus 0, since −0 is the same epsilon.
  if (typeof value === "number" && value >= 0 && Number.isFinite(value)) return value + 0;
  throw wrong("layer_norm_epsilon", value, "a number from 0 up");
}

/** Ids that stock software asks for, and nothing here. */
function otherTokens(hf: Readonly<Record<string, unknown>>, eot: number | undefined) {
  const id = (field: string) => {
    const value = hf[field];
    if (value === undefined || value === null) return undefined;
    if (typeof value === "number" && Number.isSafeInteger(value)) return value;
    throw wrong(field, value, "null or an id");
  };
  const [bosTokenId, padTokenId] = [id("bos_token_id"), id("pad_token_id")];
  return {
    ...(bosTokenId !== undefined && bosTokenId !== eot && { bosTokenId }),
    ...(padTokenId !== undefined && { padTokenId }),
  };
}

/** So many ids are named. */
const NAMED = 8;

/** Those in the vocabulary, each once; and a note where that is not just the one id that is there. */
function eosTokenIds(
  value: unknown,
  vocabSize: number,
): { ids: readonly number[]; notes: readonly string[] } {
  if (value === undefined) return { ids: [GPT2_EOT].filter((id) => isToken(id, vocabSize)), notes: [] };
  if (value === null) return { ids: [], notes: [] };
  const given: readonly unknown[] = Array.isArray(value) ? value : [value];
  const areIds = given.every((id): id is number => typeof id === "number" && Number.isInteger(id));
  if (!areIds) throw wrong("eos_token_id", value, "null, an id or a list of ids");
  const ids = [...new Set(given)].filter((id) => isToken(id, vocabSize));
  const outside = given.filter((id) => !isToken(id, vocabSize));
  if (outside.length === 0 && !Array.isArray(value)) return { ids, notes: [] };
  const parts = [
    `${FILE}: eos_token_id is ${show(value)}`,
    ...(outside.length > 0
      ? [
          `no text of this vocabulary of ${vocabSize} has ${outside.slice(0, NAMED).join(" or ")}${outside.length > NAMED ? " or …" : ""} in it`,
        ]
      : []),
    ...(ids.length > 1
      ? [`generation ends at ${ids.slice(0, NAMED).join(" and at ")}${ids.length > NAMED ? " and at …" : ""}`]
      : []),
    ids.length > 0 ? `end-of-text is ${endOfText(ids)}` : "the model has no end-of-text",
  ];
  return { ids, notes: [parts.join("; ")] };
}

function size(hf: Readonly<Record<string, unknown>>, field: string): number {
  const value = hf[field];
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1) return value;
  throw wrong(field, value, "a whole number from 1 up");
}

function flag(hf: Readonly<Record<string, unknown>>, field: string, absent: boolean): boolean {
  return (oneOf(hf, field, [undefined, true, false]) ?? absent) === true;
}

function oneOf(hf: Readonly<Record<string, unknown>>, field: string, allowed: readonly unknown[]): unknown {
  if (allowed.includes(hf[field])) return hf[field];
  const choices = allowed.filter((choice) => choice !== undefined).map((choice) => JSON.stringify(choice));
  throw wrong(field, hf[field], choices.join(" or "));
}

function object(field: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw wrong(field, value, "an object");
}

function wrong(field: string, value: unknown, expected: string): FormatError {
  const where = field === FILE ? FILE : `${FILE}: ${field}`;
  return new FormatError(
    `${where} is ${value === undefined ? "missing" : show(value)}; expected ${expected}`,
  );
}
