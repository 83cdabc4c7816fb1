/** What an op of a step asks for, by its shapes: floating-point operations, and the least bytes it can move. */
import { contracts, type KernelName, type Shape, type Tensor } from "@normless/tensor";

export interface OpWork {
  /** 0 where bytes are what bounds it. */
  readonly flops: number;
  /** Operands read once, new results written once, and what is added to or changed in place read and written. */
  readonly bytes: number;
}

export type Tensors = Readonly<Record<string, Tensor | undefined>>;

export interface OpCall {
  readonly kernel: KernelName;
  readonly inputs: Tensors;
  readonly outputs: Tensors;
  /** Those of the outputs that the op added to. */
  readonly into: Tensors;
}

export function opWork(call: OpCall): OpWork {
  return { flops: flopsOf[call.kernel]?.(call) ?? 0, bytes: bytesOf(call) };
}

const size = (tensor: Tensor | undefined) => tensor?.size ?? 0;
const first = (tensor: Tensor | undefined) => tensor?.shape[0] ?? 0;
const last = (tensor: Tensor | undefined) => tensor?.shape.at(-1) ?? 0;
const forward = ({ inputs, outputs }: OpCall) => 2 * size(outputs["y"]) * last(inputs["x"]);

/** Of the ops that arithmetic bounds. */
const flopsOf: Partial<Record<KernelName, (call: OpCall) => number>> = {
  linear: forward,
  linearGelu: forward,
  linearGradInput: ({ inputs, outputs }) => 2 * size(inputs["dy"]) * last(outputs["dx"]),
  linearGradWeight: ({ inputs }) => 2 * size(inputs["dy"]) * last(inputs["x"]),
  linearCrossEntropy: ({ inputs }) => 2 * size(inputs["x"]) * first(inputs["w"]),
  linearCrossEntropyGrad: ({ inputs }) => 6 * size(inputs["x"]) * first(inputs["w"]),
  linearKlDivergence: ({ inputs }) => 2 * (size(inputs["x"]) + size(inputs["teacherX"])) * first(inputs["w"]),
  linearKlDivergenceGrad: ({ inputs }) =>
    (6 * size(inputs["x"]) + 2 * size(inputs["teacherX"])) * first(inputs["w"]),
  attention: ({ inputs }) => 2 * pairProduct(inputs["q"]?.shape),
  attentionGrad: ({ inputs }) => 5 * pairProduct(inputs["q"]?.shape),
};

/** One product over all pairs of positions (B,T,C) of which a query sees the key. */
function pairProduct(shape: Shape = [0, 0, 0]): number {
  const [B, T, C] = shape;
  return B * C * T * (T + 1);
}

function bytesOf({ kernel, inputs, outputs, into }: OpCall): number {
  const all = (tensors: Tensors) =>
    Object.values(tensors).reduce((sum, tensor) => sum + 4 * (tensor?.size ?? 0), 0);
  const mutates: readonly string[] = contracts[kernel].mutates;
  const changed = mutates.reduce((sum, name) => sum + 4 * size(inputs[name]), 0);
  // Whatever fill overwrites, it need not read.
  const read = kernel === "fill" ? 0 : all(inputs);
  return read + changed + all(outputs) + all(into);
}
