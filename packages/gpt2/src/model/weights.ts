/**
 * A model's parameters outside of a backend: in memory, or read and computed when they are needed, so that a big model is
 * never on the host as a whole.
 */
import type { Parameters } from "@normless/autograd";
import { type Backend, fromBFloat16, type Shape, toBFloat16 } from "@normless/tensor";
import type { Gpt2Config } from "./config.js";
import type { NormTable } from "./sites.js";

/**
 * A parameter on the host, row-major. Linear weights are Conv1D: (inputs, outputs). `data` is its values, or a function
 * that reads or computes them, anew each time that it is called; whoever gets values does not write to them.
 */
export interface HostTensor {
  readonly shape: Shape;
  readonly data: Float32Array | (() => Promise<Float32Array>);
}
/** A parameter whose values are in memory. */
export interface TensorInMemory extends HostTensor {
  readonly data: Float32Array;
}

/** A model's parameters on the host, by their Hugging Face names. */
export type Weights = Readonly<Record<string, HostTensor>>;
/** The same with all values in memory. */
export type WeightsInMemory = Readonly<Record<string, TensorInMemory>>;

/** A whole model on the host: what a folder holds, what is folded. */
export interface HostModel<W extends Weights = Weights> {
  readonly config: Gpt2Config;
  readonly weights: W;
  readonly norms: NormTable;
}

/** A parameter's values, read or computed where they are not in memory. Errors are those of what reads them. */
export async function readValues({ data }: HostTensor): Promise<Float32Array> {
  return typeof data === "function" ? data() : data;
}

/** All values into memory, one parameter after the other: for what needs the whole model at once. */
export async function gatherWeights(weights: Weights): Promise<WeightsInMemory> {
  const gathered: Record<string, TensorInMemory> = {};
  for (const [name, tensor] of Object.entries(weights)) {
    gathered[name] = { shape: tensor.shape, data: await readValues(tensor) };
  }
  return gathered;
}

/** How a backend keeps weights. */
export interface UploadOptions {
  /**
   * Matrices and embeddings; vectors are float32 always. bfloat16 is half of what has to be read for each token that is
   * written, takes part in no gradient, and needs a backend that has it.
   */
  readonly matrices?: "float32" | "bfloat16";
}

/**
 * Puts the weights on a backend, one parameter at a time; the tensors are the caller's.
 * @throws Error of what reads a parameter, or of the backend where one does not fit; then none is left there
 */
export async function uploadWeights(
  backend: Backend,
  weights: Weights,
  { matrices = "float32" }: UploadOptions = {},
): Promise<Parameters> {
  const params: Record<string, Parameters[string]> = {};
  try {
    for (const [name, tensor] of Object.entries(weights)) {
      const x = backend.upload(await readValues(tensor), tensor.shape);
      params[name] = x;
      if (matrices === "float32" || tensor.shape.length < 2) continue;
      params[name] = backend.run("cast", { x }, { to: matrices }).y;
      x.free();
    }
    return params;
  } catch (error) {
    freeParams(params);
    throw error;
  }
}

/** The same with every matrix and embedding rounded to bfloat16, as `uploadWeights` keeps them where that is asked for. */
export function roundedWeights(weights: Weights): Weights {
  const rounded = (tensor: HostTensor) => async () => fromBFloat16(toBFloat16(await readValues(tensor)));
  return Object.fromEntries(
    Object.entries(weights).map(([name, tensor]) => [
      name,
      tensor.shape.length < 2 ? tensor : { shape: tensor.shape, data: rounded(tensor) },
    ]),
  );
}

/** Copies parameters back to the host, as float32. */
export async function downloadWeights(params: Parameters): Promise<WeightsInMemory> {
  const weights: Record<string, TensorInMemory> = {};
  for (const [name, tensor] of Object.entries(params)) {
    const data = await tensor.read();
    weights[name] = {
      shape: tensor.shape,
      data: data instanceof Float32Array ? data : Float32Array.from(data),
    };
  }
  return weights;
}

/** Frees every parameter's tensor. */
export function freeParams(params: Parameters): void {
  for (const tensor of Object.values(params)) tensor.free();
}
