/** What is constant in what the parts of a model write, read to the host once. */
import { sitesOf, type Model } from "@normless/gpt2";
import type { TensorData } from "@normless/tensor";

/** The weights that parts are told apart by. */
export interface PartWeights {
  readonly wte: TensorData;
  readonly wpe: TensorData;
  readonly layers: readonly LayerWeights[];
}

/** Those of one block. */
export interface LayerWeights {
  /** c_proj of attention (C,C), a head's rows after another's. */
  readonly projection: TensorData;
  /** (C): what every head's output holds whatever it attends to. */
  readonly value: Float64Array;
  /** (C): c_proj's bias, and what those constants write. */
  readonly attentionBias: Float64Array;
  /** (C) */
  readonly mlpBias: Float64Array;
  /** c_proj of the MLP (M,C), a neuron's row after another's; read where neurons are told apart. */
  readonly neurons: TensorData | undefined;
}

/** Reads what the parts need of the first `layers` blocks of a model. */
export async function readPartWeights(
  { config, params, norms }: Model,
  {
    neurons = false,
    layers: count = config.layers,
  }: { readonly neurons?: boolean; readonly layers?: number } = {},
): Promise<PartWeights> {
  const layers: LayerWeights[] = [];
  for (let i = 0; i < count; i++) {
    const { bias: value } = await readProjection({ config, params, norms }, i, 2);
    const projection = await params[`h.${i}.attn.c_proj.weight`].read();
    const attentionBias = Float64Array.from(await params[`h.${i}.attn.c_proj.bias`].read());
    addProduct(attentionBias, value, projection, 0);
    const mlpBias = Float64Array.from(await params[`h.${i}.mlp.c_proj.bias`].read());
    const rows = neurons ? await params[`h.${i}.mlp.c_proj.weight`].read() : undefined;
    layers.push({ projection, value, attentionBias, mlpBias, neurons: rows });
  }
  return {
    wte: await params["wte.weight"].read(),
    wpe: await params["wpe.weight"].read(),
    layers,
  };
}

/** Queries (0), keys (1) or values (2) as an affine map of what ln_1 reads, centred and divided: gamma is in the weight. */
export interface Projection {
  /** (C,C) */
  readonly weight: Float64Array;
  /** (C): c_attn's, and what beta makes. */
  readonly bias: Float64Array;
}

/** One third of c_attn with the gamma and beta before it. */
export async function readProjection(
  { config, params, norms }: Model,
  layer: number,
  third: 0 | 1 | 2,
): Promise<Projection> {
  const C = config.channels;
  const [w, b] = [
    await params[`h.${layer}.attn.c_attn.weight`].read(),
    await params[`h.${layer}.attn.c_attn.bias`].read(),
  ];
  const site = sitesOf(`h.${layer}.ln_1`)[third === 2 ? 1 : 0];
  const folded = norms[site].kind === "folded";
  const read = async (name: string) => (folded ? undefined : params[name].read());
  const [gamma, beta] = [await read(`h.${layer}.ln_1.weight`), await read(`h.${layer}.ln_1.bias`)];
  const weight = new Float64Array(C * C);
  const bias = Float64Array.from(b.subarray(third * C, (third + 1) * C));
  for (let k = 0; k < C; k++) {
    for (let m = 0; m < C; m++) {
      const value = w[k * 3 * C + third * C + m];
      weight[k * C + m] = (gamma?.[k] ?? 1) * value;
      bias[m] += (beta?.[k] ?? 0) * value;
    }
  }
  return { weight, bias };
}

/** y (·) += x·w, where x stands for rows `from` and on of w, whose rows are as long as y. */
export function addProduct(y: Float64Array, x: ArrayLike<number>, w: ArrayLike<number>, from: number): void {
  const M = y.length;
  for (let k = 0; k < x.length; k++) {
    for (let m = 0; m < M; m++) y[m] += x[k] * w[(from + k) * M + m];
  }
}
