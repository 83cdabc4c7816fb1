/**
 * What the head makes of a vector of the final residual, on the host in float64: through ln_f and the unembedding.
 * Where ln_f is a constant or gone, that is a linear map plus a bias; a LayerNorm is one only for a std that is given.
 */
import type { Model } from "@normless/gpt2";
import { kindOf, positionClasses, type Norm } from "@normless/layernorm";
import { POSITION_CLASSES, type PositionClass, type Tensor, type TensorData } from "@normless/tensor";

/** What stands between the final residual and the logits, read to the host. */
export interface Readout {
  readonly C: number;
  readonly V: number;
  readonly norm: Norm;
  /** (V,C), and its mean row: logits minus their mean over the vocabulary are what a softmax sees. */
  readonly unembedding: TensorData;
  readonly meanRow: Float64Array;
  /** (C); a folded model has none. */
  readonly gamma: TensorData | undefined;
  /** Logits that no residual has a part in, (V): beta through the unembedding, and the head's bias. */
  readonly bias: Float64Array;
  readonly meanBias: number;
}

/** Reads the head's parameters of a model. */
export async function readReadout({ config, params, norms }: Model): Promise<Readout> {
  const { channels: C, vocabSize: V } = config;
  const read = async (name: string) => (params[name] as Tensor | undefined)?.read();
  const unembedding = await (params["lm_head.weight"] ?? params["wte.weight"]).read();
  const beta = await read("ln_f.bias");
  const headBias = await read("lm_head.bias");
  const meanRow = new Float64Array(C);
  for (let n = 0; n < V * C; n++) meanRow[n % C] += unembedding[n] / V;
  const bias = new Float64Array(V);
  for (let t = 0; t < V; t++) {
    bias[t] = (headBias?.[t] ?? 0) + (beta ? dot(beta, unembedding.subarray(t * C, (t + 1) * C)) : 0);
  }
  const meanBias = bias.reduce((sum, value) => sum + value / V, 0);
  return {
    C,
    V,
    norm: norms["ln_f"],
    unembedding,
    meanRow,
    gamma: await read("ln_f.weight"),
    bias,
    meanBias,
  };
}

/** The class of the token at position `t` of a sequence that starts at the first. */
export function classAt(model: Pick<Model, "config">, ids: Int32Array, t: number): PositionClass {
  const classes = positionClasses(ids, { B: 1, T: ids.length, eot: model.config.eot });
  return POSITION_CLASSES[classes[t]];
}

/**
 * What ln_f divides a residual by: a LayerNorm its std, a frozen norm its constant, a folded one nothing.
 * @throws Error for a norm from outside, of which nothing is known
 */
export function stdOf({ norm, C }: Readout, residual: ArrayLike<number>, position: PositionClass): number {
  if (norm.kind === "folded") return 1;
  if (norm.kind === "frozen") return norm.std[position];
  if (norm.kind === "own") {
    throw new Error(`the norm at ln_f is ${kindOf(norm)}: what part of it a component has is not known`);
  }
  const mean = meanOf(residual);
  let variance = 0;
  for (let c = 0; c < C; c++) variance += (residual[c] - mean) ** 2 / C;
  return Math.sqrt(variance + norm.eps);
}

/** A vector (C) as the head reads it, beta left out: centred, over `std`, times gamma; as it is in a folded model. */
export function throughNorm({ gamma }: Readout, x: ArrayLike<number>, std: number): Float64Array {
  if (!gamma) return Float64Array.from(x);
  const mean = meanOf(x);
  return Float64Array.from(x, (value, c) => ((value - mean) / std) * gamma[c]);
}

/** Part of a token's logit that a vector from `throughNorm` makes, and the mean of that over the vocabulary. */
export function logitPart(readout: Readout, z: Float64Array, token: number): { logit: number; mean: number } {
  const { C, unembedding, meanRow } = readout;
  return { logit: dot(z, unembedding.subarray(token * C, (token + 1) * C)), mean: dot(z, meanRow) };
}

/** All logits (V) of a whole residual that came through the norm. */
export function allLogits({ C, V, unembedding, bias }: Readout, z: Float64Array): Float64Array {
  return Float64Array.from(
    { length: V },
    (_, t) => dot(z, unembedding.subarray(t * C, (t + 1) * C)) + bias[t],
  );
}

/** Σ a·b. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function meanOf(x: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i];
  return sum / x.length;
}
