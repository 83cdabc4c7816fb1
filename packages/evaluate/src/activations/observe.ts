/** What a model does with a batch: the norms of its residual, its attention to the first position, its logits. */
import { attention, evaluate } from "@normless/autograd";
import {
  atNormInputs,
  freeTokens,
  type HostTokens,
  type Model,
  normAt,
  type NormModule,
  residual,
  uploadTokens,
} from "@normless/gpt2";
import { positionClasses } from "@normless/layernorm";
import { type Backend, type Tensor, type TensorData } from "@normless/tensor";
import { sinkProbe } from "./attention-sink.js";

/** What `observe` read of a batch. */
export interface Observation {
  /** L2 norm of the residual that each norm module reads, (B,T). */
  readonly norms: ReadonlyMap<NormModule, TensorData>;
  /** By layer: attention of every query to the first position, (B,T,H). */
  readonly sinks: readonly TensorData[];
  /** What the head reads, (B,T,C). */
  readonly headInput: TensorData;
  /** The position class of each token as its number, (B,T). */
  readonly classes: Int32Array;
}

/** Rows of a batch are sequences, each from the first position on. */
export async function observe(model: Model, batch: HostTokens): Promise<Observation> {
  const { config, norms, params } = model;
  const { channels: C, heads } = config;
  const { B, T, inputs } = batch;
  const { backend } = params["wte.weight"];
  const tokens = uploadTokens(backend, config, batch);
  const probe = sinkProbe(backend, { B, T, C, heads });
  const ones = backend.upload(new Float32Array(C).fill(1), [C, 1]);
  const squares = new Map<NormModule, Tensor>();
  const shares: Tensor[] = [];
  const x = evaluate((variables) => {
    const final = residual({ config, norms, params: variables }, tokens, {
      hooks: atNormInputs(config, (module, { tensor: x }) => {
        squares.set(module, sumOfSquares(backend, x, ones));
      }),
      attend(layer, q, k, v) {
        shares[layer] = probe.share(q.tensor, k.tensor);
        return attention(q, k, v, { heads });
      },
    });
    return normAt({ params: variables, norms }, "ln_f", final, tokens);
  }, params);
  const lengths: [NormModule, TensorData][] = [];
  for (const [module, sums] of squares) lengths.push([module, (await take(sums)).map(Math.sqrt)]);
  const sinks: TensorData[] = [];
  for (const share of shares) sinks.push(await take(share));
  const headInput = await take(x);
  probe.free();
  ones.free();
  freeTokens(tokens);
  const classes = positionClasses(inputs, { B, T, eot: config.eot });
  return { norms: new Map(lengths), sinks, headInput, classes };
}

/** Σ x² of each token: (B,T,C) → (B,T,1). */
function sumOfSquares(backend: Backend, x: Tensor, ones: Tensor): Tensor {
  const { y: square } = backend.run("unary", { x }, { op: "square" });
  const { y } = backend.run("linear", { x: square, w: ones }, {});
  square.free();
  return y;
}

/** Logits (rows,V) of some rows of what the head reads, (rows·C) values: a batch's logits may not fit in memory. */
export async function logitsOf({ config, params }: Model, rows: TensorData): Promise<TensorData> {
  const w = params["lm_head.weight"] ?? params["wte.weight"];
  const bias = params["lm_head.bias"] as Tensor | undefined;
  const x = w.backend.upload(rows, [rows.length / config.channels, config.channels]);
  const { y } = w.backend.run("linear", { x, w, ...(bias && { bias }) }, { transposeW: true });
  x.free();
  return take(y);
}

/** Reads a tensor of ours and frees it. */
export async function take(tensor: Tensor): Promise<TensorData> {
  const values = await tensor.read();
  tensor.free();
  return values;
}
