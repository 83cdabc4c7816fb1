/**
 * The final residual as a sum of what was written into it: token and position embedding, every head, every MLP, and the
 * biases. What does not depend on the text counts as bias: with c_proj's own, a head's value bias, and the beta of ln_1
 * that its values read, since attention sums to one. So a frozen model and its fold have the same parts.
 * Float32 from the backend, float64 from there on.
 */
import {
  type HookName,
  type HostTokens,
  type Model,
  type NormModule,
  normModules,
  residualOf,
} from "@normless/gpt2";
import type { TensorData } from "@normless/tensor";
import { freeAll } from "./run/cache.js";
import { pass, passBody } from "./run/pass.js";

/** What may write into the residual. */
export type PartKind = "token" | "position" | "head" | "mlp" | "bias";

/** What writes into the residual, by its name. */
export interface Part {
  /** `token`, `position`, `h.0.attn.2` (head 2 of layer 0), `h.0.attn.bias`, `h.0.mlp`, `h.0.mlp.bias`. */
  readonly name: string;
  readonly kind: PartKind;
  readonly layer?: number;
  readonly head?: number;
}

/** A part and what it writes into the residual at one position, (C). */
export interface Written extends Part {
  readonly values: Float64Array;
}

/** What is constant, read from a model once. */
export interface PartWeights {
  readonly wte: TensorData;
  readonly wpe: TensorData;
  readonly layers: readonly LayerWeights[];
}

interface LayerWeights {
  /** (C,C), a head's rows after another's. */
  readonly projection: TensorData;
  /** (C): what every head's output holds whatever it attends to. */
  readonly value: Float64Array;
  readonly attentionBias: Float64Array;
  readonly mlpBias: Float64Array;
}

/** Reads what the parts need of a model, (C)- and (C,C)-sized but for the embeddings. */
export async function readPartWeights({ config, params, norms }: Model): Promise<PartWeights> {
  const C = config.channels;
  const layers: LayerWeights[] = [];
  for (let i = 0; i < config.layers; i++) {
    const [w, b] = [
      await params[`h.${i}.attn.c_attn.weight`].read(),
      await params[`h.${i}.attn.c_attn.bias`].read(),
    ];
    const value = Float64Array.from(b.subarray(2 * C));
    if (norms[`h.${i}.ln_1:v`].kind !== "folded") {
      const beta = await params[`h.${i}.ln_1.bias`].read();
      for (let k = 0; k < C; k++) for (let m = 0; m < C; m++) value[m] += beta[k] * w[k * 3 * C + 2 * C + m];
    }
    const projection = await params[`h.${i}.attn.c_proj.weight`].read();
    const attentionBias = Float64Array.from(await params[`h.${i}.attn.c_proj.bias`].read());
    addProduct(attentionBias, value, projection, 0);
    const mlpBias = Float64Array.from(await params[`h.${i}.mlp.c_proj.bias`].read());
    layers.push({ projection, value, attentionBias, mlpBias });
  }
  return { wte: await params["wte.weight"].read(), wpe: await params["wpe.weight"].read(), layers };
}

/** A batch as it went through the model: residuals (B,T,C) by norm module, head outputs (B,T,C) by layer. */
export interface Captured {
  readonly residuals: Readonly<Record<string, TensorData>>;
  readonly heads: readonly TensorData[];
  /** (B,T,V), where they were asked for. */
  readonly logits: TensorData;
}

/** Runs a batch, and reads what the parts need. */
export async function capture(model: Model, batch: HostTokens, head: boolean): Promise<Captured> {
  const { config } = model;
  const modules = normModules(config);
  const hooks = modules.map((module) => residualOf(module, config));
  const heads = Array.from({ length: config.layers }, (_, i): HookName => `blocks.${i}.attn.hook_z`);
  const options = { keep: [...hooks, ...heads] };
  const { logits, kept } = head
    ? pass(model, batch, options)
    : { logits: undefined, kept: passBody(model, batch, options) };
  const read = async (name: string) => kept[name].read();
  const residuals: Record<string, TensorData> = {};
  for (const [i, module] of modules.entries()) residuals[module] = await read(hooks[i]);
  const outputs: TensorData[] = [];
  for (const name of heads) outputs.push(await read(name));
  const captured = { residuals, heads: outputs, logits: logits ? await logits.read() : new Float32Array() };
  freeAll([...Object.values(kept), ...(logits ? [logits] : [])]);
  return captured;
}

/** What was written into the residual at row `row` (b·T + t) of a batch; the sum is the final residual there. */
export function partsAt(
  { config }: Pick<Model, "config">,
  weights: PartWeights,
  { residuals, heads }: Captured,
  { row, id, t }: { readonly row: number; readonly id: number; readonly t: number },
): Written[] {
  const { channels: C, heads: H, layers } = config;
  const D = C / H;
  const rowOf = (values: TensorData, at: number) => Float64Array.from(values.subarray(at * C, (at + 1) * C));
  const residual = (module: NormModule) => rowOf(residuals[module], row);
  const parts: Written[] = [
    { name: "token", kind: "token", values: rowOf(weights.wte, id) },
    { name: "position", kind: "position", values: rowOf(weights.wpe, t) },
  ];
  weights.layers.forEach(({ projection, value, attentionBias, mlpBias }, layer) => {
    const output = rowOf(heads[layer], row).map((x, c) => x - value[c]);
    for (let head = 0; head < H; head++) {
      const values = new Float64Array(C);
      addProduct(values, output.subarray(head * D, (head + 1) * D), projection, head * D);
      parts.push({ name: `h.${layer}.attn.${head}`, kind: "head", layer, head, values });
    }
    parts.push({ name: `h.${layer}.attn.bias`, kind: "bias", layer, values: attentionBias });
    // The MLP adds the difference of what the norms after and before it read.
    const before = residual(`h.${layer}.ln_2`);
    const after = residual(layer + 1 < layers ? `h.${layer + 1}.ln_1` : "ln_f");
    const mlp = after.map((x, c) => x - before[c] - mlpBias[c]);
    parts.push({ name: `h.${layer}.mlp`, kind: "mlp", layer, values: mlp });
    parts.push({ name: `h.${layer}.mlp.bias`, kind: "bias", layer, values: mlpBias });
  });
  return parts;
}

/** y (C) += x·w, where x stands for rows `from` and on of w (·,C). */
function addProduct(y: Float64Array, x: ArrayLike<number>, w: TensorData, from: number): void {
  const C = y.length;
  for (let k = 0; k < x.length; k++) {
    for (let c = 0; c < C; c++) y[c] += x[k] * w[(from + k) * C + c];
  }
}
