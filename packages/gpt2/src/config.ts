/** A GPT-2's shape, and the published sizes. Reading and writing `config.json` is in hf-config.ts. */
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
  /** The epsilon of a standard LayerNorm. */
  readonly eps: number;
  /** Whether the head is the token embedding; a folded model has a `lm_head.weight` and `lm_head.bias` of its own. */
  readonly tied: boolean;
  /** Id of end-of-text, where there is one. */
  readonly eot: number | undefined;
}

function size(layers: number, channels: number, heads: number): Gpt2Config {
  const shape = { vocabSize: 50257, blockSize: 1024, channels, layers, heads, inner: 4 * channels };
  return { ...shape, gelu: "tanh", eps: 1e-5, tied: true, eot: 50256 };
}

export const presets = {
  /** The model that ships: about 1.7M parameters. */
  base: { ...size(6, 128, 4), vocabSize: 4096, blockSize: 128, eot: 4095 },
  small: size(12, 768, 12),
  medium: size(24, 1024, 16),
  large: size(36, 1280, 20),
  xl: size(48, 1600, 25),
} as const satisfies Record<string, Gpt2Config>;

export type PresetName = keyof typeof presets;

/** @throws RangeError that names the field, when the sizes do not make a model. */
export function checkConfig(config: Gpt2Config): Gpt2Config {
  for (const key of ["vocabSize", "blockSize", "channels", "layers", "heads", "inner"] as const) {
    const value = config[key];
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`config: ${key} is ${value}; it is a whole number from 1 up`);
    }
  }
  if (config.channels % config.heads !== 0) {
    throw new RangeError(`config: ${config.channels} channels do not divide into ${config.heads} heads`);
  }
  if (config.eot !== undefined && !(config.eot >= 0 && config.eot < config.vocabSize)) {
    throw new RangeError(
      `config: end-of-text ${config.eot} is outside the vocabulary of ${config.vocabSize}`,
    );
  }
  return config;
}
