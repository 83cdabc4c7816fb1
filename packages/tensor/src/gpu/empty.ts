/**
 * Operands without values: gpu.js has no arrays of none, and WebGPU no bindings. What a kernel makes of nothing does not
 * depend on what is on the device, so the contract's own loop says it on the host.
 */
import { toDType } from "../dtype.js";
import { BackendError } from "../errors.js";
import type { View } from "../kernels/contract.js";
import { sizeOf } from "../shape.js";
import type { RunPlan } from "../run.js";
import type { Operand } from "./program.js";

type Operands = Readonly<Record<string, Operand>>;

/** Whether a run is one of this file. */
export function isOfNothing({ outputs }: RunPlan, operands: Operands): boolean {
  return (
    Object.values(operands).some(({ size }) => size === 0) ||
    (outputs.length > 0 && outputs.every(({ spec }) => sizeOf(spec.shape) === 0))
  );
}

/**
 * The values of all outputs. What is changed in place takes its values from an operand of as many, so that it stays as it is.
 * @throws BackendError where the outcome is more than that
 */
export function ofNothing(
  kernel: string,
  { contract, outputs }: RunPlan,
  operands: Operands,
  attributes: object,
): Readonly<Record<string, Float32Array>> {
  const made: Record<string, Float32Array> = {};
  for (const { name, spec } of outputs) made[name] = new Float32Array(sizeOf(spec.shape));
  if (Object.values(made).every(({ length }) => length === 0)) return made;
  const inputs: Record<string, View> = {};
  for (const [name, operand] of Object.entries(operands)) {
    const { shape, dtype, size, ints } = operand;
    inputs[name] = { shape, dtype, data: size === 0 ? toDType([], dtype) : (ints ?? onDevice(kernel, name)) };
  }
  const views: Record<string, View> = {};
  for (const { name, spec } of outputs) views[name] = { ...spec, data: made[name] };
  contract.naive(inputs, attributes, views);
  return made;
}

function onDevice(kernel: string, name: string): Float32Array {
  const get = () => {
    throw new BackendError(
      `gpu: ${kernel}: one operand is without values and ${name}, which counts, is not; ` +
        "leave the op out, or run it on another backend",
    );
  };
  return new Proxy(new Float32Array(), { get });
}

/**
 * x·w + bias over no inner values is the bias, which is on the device: operands with one inner value, 0, say the same.
 * Undefined for what is no such product.
 */
export function withInner(kernel: string, operands: Operands, attributes: object): Operands | undefined {
  if (kernel !== "linear" && kernel !== "linearGelu") return undefined;
  const { x, w } = operands;
  const rows = x.shape.slice(0, -1);
  const inner = "transposeW" in attributes && attributes.transposeW ? 1 : 0;
  const columns = w.shape[1 - inner];
  if (w.shape[inner] > 0 || columns === 0 || sizeOf(rows) === 0) return undefined;
  return {
    ...operands,
    x: { shape: [...rows, 1], size: sizeOf(rows), dtype: "float32" },
    w: { shape: inner ? [columns, 1] : [1, columns], size: columns, dtype: "float32" },
  };
}
