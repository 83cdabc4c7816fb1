/**
 * A Hugging Face `config.json` to a config and a table of norms, and back. What would make another model than this
 * package computes is refused, never ignored. Reading the file is the caller's (hf-folder.ts).
 * Source: https://huggingface.co/docs/transformers/model_doc/gpt2#transformers.GPT2Config
 */
import { foldedNorm, parseNorm, sameNorm } from "@normless/layernorm";
import { checkConfig, type Gpt2Config } from "./config.js";
import { isFolded, normSites, type NormTable, standardNorms } from "./sites.js";

/**
 * The `model_type` of a model whose norms are not LayerNorms. Stock software knows only `gpt2`: it would put its own
 * LayerNorms into such a model and compute something else, with a warning at best, so it must not take it for one.
 */
export const NORMLESS_TYPE = "gpt2-normless";

/** GPT-2's own end-of-text, which the published config.json may leave out. */
const GPT2_EOT = 50256;

const FILE = "config.json";

/**
 * The parsed content of config.json. Its own field `normless` tells the norms (see `configToHf`); without it every
 * norm is a LayerNorm with the config's epsilon, 1e12 in the files of `toEps1e12`.
 * @throws Error naming the field, its value and what is expected.
 */
export function configFromHf(json: unknown): { readonly config: Gpt2Config; readonly norms: NormTable } {
  const hf = object(FILE, json);
  oneOf(hf, "model_type", ["gpt2", NORMLESS_TYPE]);
  const activation = oneOf(hf, "activation_function", [undefined, "gelu_new", "gelu"]);
  // Variants of attention that transformers computes for other values of these.
  oneOf(hf, "scale_attn_weights", [undefined, true]);
  oneOf(hf, "scale_attn_by_inverse_layer_idx", [undefined, false]);
  oneOf(hf, "add_cross_attention", [undefined, false]);

  const channels = size(hf, "n_embd");
  const vocabSize = size(hf, "vocab_size");
  const config = checkConfig({
    vocabSize,
    blockSize: size(hf, hf.n_positions === undefined ? "n_ctx" : "n_positions"),
    channels,
    layers: size(hf, "n_layer"),
    heads: size(hf, "n_head"),
    inner: hf.n_inner === undefined || hf.n_inner === null ? 4 * channels : size(hf, "n_inner"),
    gelu: activation === "gelu" ? "none" : "tanh",
    eps: epsilon(hf.layer_norm_epsilon),
    tied: oneOf(hf, "tie_word_embeddings", [undefined, true, false]) !== false,
    eot: endOfText(hf.eos_token_id, vocabSize),
  });
  const { normless } = hf;
  if (normless === undefined && hf.model_type === NORMLESS_TYPE) {
    throw wrong("normless", normless, "an object that tells the norms, as this model_type has");
  }
  return { config, norms: normless === undefined ? standardNorms(config) : parseNorms(config, normless) };
}

/** What to write as config.json; `JSON.stringify` is the caller's. The inverse of `configFromHf`. */
export function configToHf(config: Gpt2Config, norms: NormTable): Record<string, unknown> {
  const standard = standardNorms(config);
  const isStandard = normSites(config).every((site) => sameNorm(norms[site], standard[site]));
  const eot = config.eot ?? null;
  return {
    architectures: [isStandard ? "GPT2LMHeadModel" : "NormlessGPT2"],
    model_type: isStandard ? "gpt2" : NORMLESS_TYPE,
    activation_function: config.gelu === "tanh" ? "gelu_new" : "gelu",
    vocab_size: config.vocabSize,
    n_positions: config.blockSize,
    n_ctx: config.blockSize,
    n_embd: config.channels,
    n_layer: config.layers,
    n_head: config.heads,
    n_inner: config.inner === 4 * config.channels ? null : config.inner,
    layer_norm_epsilon: config.eps,
    tie_word_embeddings: config.tied,
    bos_token_id: eot,
    eos_token_id: eot,
    ...(isStandard ? {} : { normless: { norms: isFolded(norms) ? "folded" : norms } }),
  };
}

/** `"folded"` for all sites, or one norm a site. */
function parseNorms(config: Gpt2Config, normless: unknown): NormTable {
  const { norms } = object("normless", normless);
  const sites: readonly string[] = normSites(config);
  if (norms === "folded") return Object.fromEntries(sites.map((site) => [site, foldedNorm]));
  const table = object("normless.norms", norms);
  const stranger = Object.keys(table).find((site) => !sites.includes(site));
  if (stranger !== undefined) {
    throw new Error(
      `${FILE}: normless.norms has "${stranger}", which is no norm site of ${config.layers} layers`,
    );
  }
  return Object.fromEntries(
    sites.map((site) => {
      try {
        return [site, parseNorm(table[site])];
      } catch (cause) {
        const message = cause instanceof Error ? cause.message : String(cause);
        throw new Error(`${FILE}: normless.norms["${site}"]: ${message}`, { cause });
      }
    }),
  );
}

function epsilon(value: unknown): number {
  if (value === undefined) return 1e-5;
  if (typeof value === "number" && value >= 0 && Number.isFinite(value)) return value;
  throw wrong("layer_norm_epsilon", value, "a number from 0 up");
}

function endOfText(value: unknown, vocabSize: number): number | undefined {
  if (value === undefined) return GPT2_EOT < vocabSize ? GPT2_EOT : undefined;
  if (value === null) return undefined;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value < vocabSize) return value;
  throw wrong("eos_token_id", value, `null or one id below vocab_size, ${vocabSize}`);
}

function size(hf: Readonly<Record<string, unknown>>, field: string): number {
  const value = hf[field];
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1) return value;
  throw wrong(field, value, "a whole number from 1 up");
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

function wrong(field: string, value: unknown, expected: string): Error {
  const where = field === FILE ? FILE : `${FILE}: ${field}`;
  return new Error(`${where} is ${JSON.stringify(value) ?? "missing"}; expected ${expected}`);
}
