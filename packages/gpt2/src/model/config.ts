/** A GPT-2's shape, and the published sizes. Reading and writing `config.json` is in hf-config.ts. */

/** A GPT-2's shape and what it computes with, apart from its norms. */
export interface Gpt2Config {
  /** V */
  readonly vocabSize: number;
  /** The longest context, T; `n_positions`. */
  readonly blockSize: number;
  /** C; `n_embd`. */
  readonly channels: number;
  /** L; `n_layer`. */
  readonly layers: number;
  /** H; `n_head`. C is a multiple. */
  readonly heads: number;
  /** Channels inside the MLP; `n_inner`, 4C where that is null. */
  readonly inner: number;
  /** `tanh` is `gelu_new`, GPT-2's; `none` is the exact `gelu`. */
  readonly gelu: "tanh" | "none";
  /** The epsilon of a standard LayerNorm. A folded model has none to add it to: there it is 1e-5, and not written. */
  readonly eps: number;
  /** Whether the head is the token embedding; a folded model has a `lm_head.weight` and `lm_head.bias` of its own. */
  readonly tied: boolean;
  /** Id of end-of-text, where there is one: the position class `eot`. */
  readonly eot: number | undefined;
  /**
   * Where several ids end a text, all of them, each once. Generation ends at any of them. `eot` is GPT-2's own
   * end-of-text, 50256, if it is among them, or else the first.
   */
  readonly eosTokenIds?: readonly number[];
  /** The id that begins a text, where it is not end-of-text. Nothing here asks for it; it is kept for the files. */
  readonly bosTokenId?: number;
  /** The id that stock software fills batches with. It is kept for the files, too. */
  readonly padTokenId?: number;
  /** `false` where attention does not divide its scores by √D. */
  readonly scaleAttnWeights?: false;
  /** `true` where the scores of block i are divided by i+1, too (Stanford's GPT-2s). */
  readonly scaleAttnByInverseLayerIdx?: true;
  /**
   * `true` where training in half precision computes the scores in float32. In float32, which computes here, it is the
   * same function; it is kept for the files that are written.
   */
  readonly reorderAndUpcastAttn?: true;
}

/** GPT-2's own end-of-text. */
export const GPT2_EOT = 50256;
/** GPT-2's own epsilon, of a config that says none. */
export const DEFAULT_EPS = 1e-5;

function size(layers: number, channels: number, heads: number): Gpt2Config {
  const shape = { vocabSize: 50257, blockSize: 1024, channels, layers, heads, inner: 4 * channels };
  return { ...shape, gelu: "tanh", eps: DEFAULT_EPS, tied: true, eot: 50256 };
}

/** The published sizes, and `base`. */
export const presets = {
  /** The model that ships: about 1.7M parameters. */
  base: { ...size(6, 128, 4), vocabSize: 4096, blockSize: 128, eot: 4095 },
  small: size(12, 768, 12),
  medium: size(24, 1024, 16),
  large: size(36, 1280, 20),
  xl: size(48, 1600, 25),
} as const satisfies Record<string, Gpt2Config>;

/** `base`, `small`, `medium`, `large` or `xl`. */
export type PresetName = keyof typeof presets;

/**
 * The most of what a config counts: far beyond any GPT-2, and such that whatever looks at a shape, norm by norm or weight by
 * weight, is done at once. Whether its weights fit anywhere is for whoever makes or reads them to say.
 */
export const MOST_OF_CONFIG = {
  vocabSize: 2 ** 24,
  blockSize: 2 ** 24,
  channels: 2 ** 20,
  layers: 1000,
  heads: 2 ** 20,
  inner: 2 ** 24,
} as const satisfies Partial<Record<keyof Gpt2Config, number>>;

/**
 * What a config is, for everything that reads or takes one: config.json, checkpoints, callers.
 * @throws RangeError that names the field, when the values do not make a model.
 */
export function checkConfig(config: Gpt2Config): Gpt2Config {
  for (const [key, most] of Object.entries(MOST_OF_CONFIG)) {
    const value = config[key as keyof typeof MOST_OF_CONFIG];
    if (!Number.isSafeInteger(value) || value < 1 || value > most) {
      throw new RangeError(`config: ${key} is ${value}; it is a whole number from 1 to ${most}`);
    }
  }
  const { channels, heads, eps, vocabSize, eot, eosTokenIds } = config;
  if (channels % heads !== 0) {
    throw new RangeError(`config: ${channels} channels do not divide into ${heads} heads`);
  }
  if (!(eps >= 0 && Number.isFinite(eps))) {
    throw new RangeError(`config: eps is ${eps}; it is added to a variance, so it is a number from 0 up`);
  }
  const ids = stopTokens(config);
  const outside = ids.find((id) => !isToken(id, vocabSize));
  if (outside !== undefined) {
    throw new RangeError(`config: end-of-text ${outside} is outside the vocabulary of ${vocabSize}`);
  }
  if (eosTokenIds && (eosTokenIds.length < 2 || new Set(eosTokenIds).size < eosTokenIds.length)) {
    throw new RangeError(
      `config: eosTokenIds are [${eosTokenIds.join()}]; they are two or more, each once. One id is eot alone`,
    );
  }
  for (const key of ["bosTokenId", "padTokenId"] as const) {
    const id = config[key];
    if (id !== undefined && !Number.isSafeInteger(id)) {
      throw new RangeError(`config: ${key} is ${id}; it is a whole number`);
    }
  }
  if (config.bosTokenId !== undefined && config.bosTokenId === eot) {
    throw new RangeError(`config: bosTokenId is ${eot}, which is eot; leave it out`);
  }
  if (eot !== endOfText(ids)) {
    throw new RangeError(
      `config: eot is ${eot}, and eosTokenIds are [${ids.join()}]; it is ${GPT2_EOT} if that is among them, or else ` +
        "the first",
    );
  }
  return config;
}

/** Whether an id is in a vocabulary. */
export function isToken(id: number, vocabSize: number): boolean {
  return Number.isInteger(id) && id >= 0 && id < vocabSize;
}

/** Which of the ids that end a text is end-of-text, the position class. */
export function endOfText(ids: readonly number[]): number | undefined {
  return ids.includes(GPT2_EOT) ? GPT2_EOT : ids[0];
}

/** The ids at which generation ends: `eosTokenIds`, or `eot`, or none. */
export function stopTokens({ eot, eosTokenIds }: Pick<Gpt2Config, "eot" | "eosTokenIds">): readonly number[] {
  return eosTokenIds ?? (eot === undefined ? [] : [eot]);
}

/**
 * What the queries of block `layer` are multiplied by, so that scores divided by √D come out as the config asks for: 1
 * in GPT-2. Source: `GPT2Attention` in transformers, whose `scaling` is this over √D.
 */
export function queryScale(config: Gpt2Config, layer: number): number {
  const { channels, heads, scaleAttnWeights = true, scaleAttnByInverseLayerIdx = false } = config;
  return (scaleAttnWeights ? 1 : Math.sqrt(channels / heads)) / (scaleAttnByInverseLayerIdx ? layer + 1 : 1);
}

/** Whether the config says nothing of attention, which then is GPT-2's. */
export function hasPlainAttention(config: Gpt2Config): boolean {
  const { scaleAttnWeights, scaleAttnByInverseLayerIdx, reorderAndUpcastAttn } = config;
  return [scaleAttnWeights, scaleAttnByInverseLayerIdx, reorderAndUpcastAttn].every(
    (field) => field === undefined,
  );
}

/** The config of the same model with the scale of its queries in the weights. */
export function withPlainAttention(config: Gpt2Config): Gpt2Config {
  const {
    scaleAttnWeights: _weights,
    scaleAttnByInverseLayerIdx: _inverse,
    reorderAndUpcastAttn: _reorder,
    ...plain
  } = config;
  return plain;
}
