/**
 * Llama (Touvron et al. 2023), as transformers' LlamaForCausalLM computes it and under its parameters' names. B batch,
 * T position, C channel, H head, D head size, V vocabulary; x is the residual, (B,T,C). Weights are (out,in).
 */
import {
  add,
  concat,
  cos,
  crossEntropy,
  embedding,
  linear,
  mul,
  neg,
  reshape,
  rmsNorm,
  scaledDotProductAttention,
  silu,
  sin,
  slice,
  transpose,
  type Value,
} from "@normless/autograd";
import { type Backend, enroll, type Tensor } from "@normless/tensor";

/** The fields of config.json that the model is made of. */
export interface LlamaConfig {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  /** Fewer than heads: each serves as many queries' heads in a row. */
  readonly num_key_value_heads: number;
  /** hidden_size / num_attention_heads unless given. */
  readonly head_dim?: number;
  readonly rms_norm_eps: number;
  readonly rope_parameters: { readonly rope_theta: number };
  /** The head is the embedding; there is no lm_head. */
  readonly tie_word_embeddings: boolean;
}

/** Parameters by their names in model.safetensors: tensors, or variables of a tape. */
export type Weights = Readonly<Record<string, Value>>;

/** ids int32 (B,T) → logits (B,T,V). */
export function logits(config: LlamaConfig, weights: Weights, ids: Tensor): Value {
  const rotate = rotary(config, ids.backend, ids.shape[1]);
  let x: Value = embedding(weights["model.embed_tokens.weight"], ids);
  for (let i = 0; i < config.num_hidden_layers; i++) {
    const of = (name: string) => weights[`model.layers.${i}.${name}.weight`];
    const norm = (name: string) => rmsNorm(x, of(name), config.rms_norm_eps);
    x = add(x, attention(config, of, norm("input_layernorm"), rotate));
    x = add(x, mlp(of, norm("post_attention_layernorm")));
  }
  const head = config.tie_word_embeddings ? "model.embed_tokens.weight" : "lm_head.weight";
  return dense(rmsNorm(x, weights["model.norm.weight"], config.rms_norm_eps), weights[head]);
}

/** The mean over all but the last position of −log of the next id's probability, in nats. */
export function loss(config: LlamaConfig, weights: Weights, ids: Tensor): Value {
  const [all, T] = [logits(config, weights, ids), ids.shape[1]];
  return crossEntropy(slice(all, 1, { end: T - 1 }), slice(ids, 1, { start: 1 }));
}

type Named = (name: string) => Value;
type Rotate = (x: Value) => Value;

/** x·wᵀ, w (out,in). */
const dense = (x: Value, w: Value): Value => linear(x, w, undefined, { transposeW: true });

/** Causal, of H queries' heads and fewer keys' and values'. */
function attention(config: LlamaConfig, of: Named, x: Value, rotate: Rotate): Value {
  const [B, T, C] = x.shape;
  const { num_attention_heads: H, num_key_value_heads: shared } = config;
  const D = config.head_dim ?? C / H;
  /** (B,T,heads·D) → (B,heads,T,D) */
  const heads = (name: string, count: number) =>
    transpose(reshape(dense(x, of(`self_attn.${name}`)), [B, T, count, D]), 1, 2);
  const [q, k, v] = [heads("q_proj", H), heads("k_proj", shared), heads("v_proj", shared)];
  const y = scaledDotProductAttention(rotate(q), rotate(k), v, { isCausal: true, enableGqa: true });
  return dense(reshape(transpose(y, 1, 2), [B, T, H * D]), of("self_attn.o_proj"));
}

/** SwiGLU (Shazeer 2020). */
function mlp(of: Named, x: Value): Value {
  const gate = silu(dense(x, of("mlp.gate_proj")));
  return dense(mul(gate, dense(x, of("mlp.up_proj"))), of("mlp.down_proj"));
}

/**
 * Rotary positions (Su et al. 2021): channel c of a head's first half and channel c of its second are a point, which is
 * turned by the angle t·θ^(−2c/D) at position t.
 */
function rotary(config: LlamaConfig, backend: Backend, T: number): Rotate {
  const D = config.head_dim ?? config.hidden_size / config.num_attention_heads;
  const { rope_theta: theta } = config.rope_parameters;
  // As PyTorch has them, rounded to float32 at each step, since a sine of a large angle shows the last bit.
  const frequency = (c: number) => Math.fround(1 / Math.fround(theta ** ((2 * c) / D)));
  const angles = Float32Array.from({ length: T * D }, (_, i) => Math.floor(i / D) * frequency(i % (D / 2)));
  const turned = enroll(backend.upload(angles, [T, D]));
  const [cosines, sines] = [cos(turned), sin(turned)];
  return (x) => add(mul(x, cosines), mul(rotateHalf(x), sines));
}

/** (first half, second half) → (−second half, first half). */
function rotateHalf(x: Value): Value {
  const half = x.shape[x.shape.length - 1] / 2;
  return concat([neg(slice(x, -1, { start: half })), slice(x, -1, { end: half })], -1);
}
