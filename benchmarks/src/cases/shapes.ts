/**
 * The shapes that are measured, by name. B batch, T position, C channel, V vocabulary. `small` is GPT-2 small, `base` is
 * the model that ships; products are those of small at 1×1024 and of base at 16×128.
 */
import { type Gpt2Config, presets } from "@normless/gpt2";

/** x (rows,K) · w (K,M). */
export interface ProductShape {
  readonly rows: number;
  readonly K: number;
  readonly M: number;
  /** The weight lies as (M,K): the head, whose weight is the token embedding. */
  readonly transposeW?: boolean;
}

export const products = {
  mlp_in: { rows: 1024, K: 768, M: 3072 },
  mlp_out: { rows: 1024, K: 3072, M: 768 },
  qkv: { rows: 1024, K: 768, M: 2304 },
  attn_proj: { rows: 1024, K: 768, M: 768 },
  lm_head: { rows: 1024, K: 768, M: 50257, transposeW: true },
  base_mlp_in: { rows: 2048, K: 128, M: 512 },
  base_lm_head: { rows: 2048, K: 128, M: 4096, transposeW: true },
} as const satisfies Record<string, ProductShape>;

/** The products of a step of GPT-2 small: each runs forward, for the input's gradient and for the weight's. */
export const stepProducts = ["mlp_in", "mlp_out", "qkv", "attn_proj", "lm_head"] as const;

/** `[1024,768]×[768,3072]` */
export const showProduct = ({ rows, K, M }: ProductShape): string => `[${rows},${K}]×[${K},${M}]`;

/** Floating-point operations, a multiplication and an addition apart. */
export const flops = ({ rows, K, M }: ProductShape): number => 2 * rows * K * M;

/** A training step: a model and the batch that one update sees. */
export interface StepShape {
  readonly config: Gpt2Config;
  readonly B: number;
  readonly T: number;
}

function model(
  vocabSize: number,
  channels: number,
  layers: number,
  heads: number,
  blockSize: number,
): Gpt2Config {
  const sizes = { vocabSize, blockSize, channels, layers, heads, inner: 4 * channels };
  return { ...presets.small, ...sizes, eot: vocabSize - 1 };
}

export const steps = {
  tiny: { config: model(1024, 128, 4, 4, 128), B: 16, T: 128 },
  base: { config: presets.base, B: 16, T: 128 },
  mini: { config: model(4096, 192, 6, 6, 128), B: 8, T: 128 },
  small_1x256: { config: presets.small, B: 1, T: 256 },
  small_1x1024: { config: presets.small, B: 1, T: 1024 },
} as const satisfies Record<string, StepShape>;

/** `V 4096, C 128, L 6, H 4, 16×128` */
export function showStep({ config, B, T }: StepShape): string {
  const { vocabSize, channels, layers, heads } = config;
  return `V ${vocabSize}, C ${channels}, L ${layers}, H ${heads}, ${B}×${T}`;
}

/** How the cost of a step grows with the length of a sequence, at two layers of 256 channels. */
export const growthWithT: readonly StepShape[] = [64, 128, 256, 512, 1024].map((T) => ({
  config: model(4096, 256, 2, 4, T),
  B: 1,
  T,
}));

/** How it grows with the channels, at two layers and 256 positions; heads of 32 channels. */
export const growthWithC: readonly StepShape[] = [64, 128, 256, 512].map((C) => ({
  config: model(4096, C, 2, C / 32, 256),
  B: 1,
  T: 256,
}));

/** Forward, the input's gradient (dy·wᵀ) and the weight's (xᵀ·dy): three layouts of one product, of as many operations. */
export const productOps = ["linear", "linearGradInput", "linearGradWeight"] as const;
export type ProductOp = (typeof productOps)[number];
