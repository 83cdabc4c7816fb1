/**
 * Confidence neurons: neurons of the last MLP that write much, and for no token rather than another, so that through LayerNorm
 * they turn all logits up or down. Score: ‖w‖ / LogitVar(w), LogitVar(w) the variance over the vocabulary of cos(W_U[:,t], w).
 * Source: Baroni et al. 2025 (arXiv 2507.02559) section 5.4 and equations 11 and 12; Stolfo et al. 2024.
 */
import { matmul } from "@normless/autograd";
import type { Model } from "@normless/gpt2";
import { enroll, scope } from "@normless/tensor";
import { readReadout } from "../parts/readout.js";

/** A neuron of the last MLP and what makes it one. */
export interface ConfidenceNeuron {
  readonly neuron: number;
  /** ‖w‖ of what it writes. */
  readonly norm: number;
  readonly logitVariance: number;
  readonly score: number;
}

/** Floats that are read at once. */
const CHUNK_FLOATS = 2 ** 22;

/** Every neuron of the last MLP, the highest score first. Where ln_f is there its gamma counts as part of the unembedding. */
export async function confidenceNeurons(model: Model): Promise<ConfidenceNeuron[]> {
  const { config, params } = model;
  const { channels: C, inner: M, vocabSize: V } = config;
  const { backend } = params["wte.weight"];
  const { unembedding, gamma } = await readReadout(model);
  const written = await params[`h.${config.layers - 1}.mlp.c_proj.weight`].read();
  const vectors = Array.from({ length: M }, (_, n) =>
    directionOf(written.subarray(n * C, (n + 1) * C), gamma !== undefined),
  );
  // (C,V), each column of length 1.
  const columns = new Float32Array(C * V);
  for (let t = 0; t < V; t++) {
    let square = 0;
    for (let c = 0; c < C; c++) {
      const value = unembedding[t * C + c] * (gamma?.[c] ?? 1);
      columns[c * V + t] = value;
      square += value * value;
    }
    if (square > 0) for (let c = 0; c < C; c++) columns[c * V + t] /= Math.sqrt(square);
  }
  using head = backend.upload(columns, [C, V]);
  const found: ConfidenceNeuron[] = [];
  const many = Math.max(1, Math.floor(CHUNK_FLOATS / V));
  for (let first = 0; first < M; first += many) {
    const some = vectors.slice(first, first + many);
    const rows = Float32Array.from(some.flatMap(({ unit }) => [...unit]));
    using cosines = scope(() => matmul(enroll(backend.upload(rows, [some.length, C])), head));
    const values = await cosines.read();
    for (const [i, { norm }] of some.entries()) {
      const logitVariance = varianceOf(values.subarray(i * V, (i + 1) * V));
      found.push({ neuron: first + i, norm, logitVariance, score: norm === 0 ? 0 : norm / logitVariance });
    }
  }
  return found.sort((a, b) => b.score - a.score || a.neuron - b.neuron);
}

/** A vector's length and direction; centred where a norm is there to centre it. */
function directionOf(
  w: ArrayLike<number>,
  centred: boolean,
): { readonly norm: number; readonly unit: Float64Array } {
  const x = Float64Array.from(w);
  const mean = centred ? x.reduce((sum, value) => sum + value, 0) / x.length : 0;
  const y = x.map((value) => value - mean);
  const norm = Math.sqrt(y.reduce((sum, value) => sum + value * value, 0));
  return { norm, unit: norm === 0 ? y : y.map((value) => value / norm) };
}

function varianceOf(values: ArrayLike<number>): number {
  const N = values.length;
  let [sum, square] = [0, 0];
  for (let i = 0; i < N; i++) sum += values[i];
  for (let i = 0; i < N; i++) square += (values[i] - sum / N) ** 2;
  return square / N;
}
