/**
 * A tensor: shape, dtype and the backend that holds its values. It is not a maths object; ops are functions
 * (see @normless/autograd) and kernels (see ./kernels). Each backend makes its own subclass with its storage.
 */
import type { Backend } from "./backend.js";
import { BackendError, ShapeError } from "./errors.js";
import { type Shape, showShape, sizeOf } from "./shape.js";

export type DType = "float32" | "int32";
/** What `read` gives: Float64Array only from the reference backend, which keeps float32 tensors in float64. */
export type TensorData = Float32Array | Float64Array | Int32Array;
export interface TensorSpec {
  readonly shape: Shape;
  readonly dtype: DType;
}
export type NestedArray = number | NestedArray[];

export abstract class Tensor implements TensorSpec {
  readonly size: number;
  constructor(
    readonly backend: Backend,
    readonly shape: Shape,
    readonly dtype: DType,
  ) {
    this.size = sizeOf(shape);
  }
  /** True once its memory went back to the backend; any further use is an error. */
  abstract readonly freed: boolean;

  /** All values, row-major, in an array of the caller's own. */
  read(): Promise<TensorData> {
    return this.backend.read(this);
  }
  /** The only value of a tensor of size 1. */
  async item(): Promise<number> {
    if (this.size !== 1) {
      throw new ShapeError(
        "item",
        "needs exactly one value",
        { tensor: this.shape },
        "Use read() or array().",
      );
    }
    return (await this.read())[0];
  }
  /** The values as nested arrays, for looking at. */
  async array(): Promise<NestedArray> {
    return nest([...(await this.read())], this.shape);
  }
  /** Gives the memory back. Freeing twice is an error. */
  free(): void {
    this.backend.free(this);
  }
}

function nest(values: number[], shape: Shape): NestedArray {
  if (shape.length === 0) return values[0];
  const [first, ...rest] = shape;
  const stride = sizeOf(rest);
  return Array.from({ length: first }, (_, i) => nest(values.slice(i * stride, (i + 1) * stride), rest));
}

function flatten(value: NestedArray, depth: number, shape: number[], out: number[]): void {
  if (typeof value === "number") {
    if (depth !== shape.length)
      throw new ShapeError("tensor", "nested arrays of unequal depth", { so_far: shape });
    out.push(value);
    return;
  }
  if (depth === shape.length && out.length === 0) shape.push(value.length);
  if (shape[depth] !== value.length) {
    throw new ShapeError("tensor", `a row of length ${value.length} at depth ${depth}`, { expected: shape });
  }
  for (const part of value) flatten(part, depth + 1, shape, out);
}

/** A float32 tensor from nested arrays (or one number): `tensor(backend, [[1, 2], [3, 4]])` is (2,2). */
export function tensor(backend: Backend, values: NestedArray): Tensor {
  const shape: number[] = [];
  const out: number[] = [];
  flatten(values, 0, shape, out);
  return backend.upload(Float32Array.from(out), shape);
}

/** A tensor of zeros. */
export function zeros(backend: Backend, shape: Shape, dtype: DType = "float32"): Tensor {
  const size = sizeOf(shape);
  return backend.upload(dtype === "float32" ? new Float32Array(size) : new Int32Array(size), shape);
}

/** Checks what `upload` is given: the length must be that of the shape. @throws BackendError */
export function checkUpload(data: TensorData, shape: Shape): void {
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw new BackendError(`upload: ${showShape(shape)} is not a shape; sizes are whole numbers from 0 up`);
  }
  if (data.length !== sizeOf(shape)) {
    throw new BackendError(
      `upload: ${data.length} values do not fill shape ${showShape(shape)}, which takes ${sizeOf(shape)}`,
    );
  }
}

/** Checks what `write` is given: as many values as the tensor has, and of its kind. @throws BackendError */
export function checkWrite(data: TensorData, { shape, dtype }: Tensor): void {
  if (data.length !== sizeOf(shape)) {
    throw new BackendError(
      `write: ${data.length} values do not fill a tensor of shape ${showShape(shape)}, which takes ${sizeOf(shape)}`,
    );
  }
  if (data instanceof Int32Array !== (dtype === "int32")) {
    throw new BackendError(`write: a ${data.constructor.name} cannot go into a tensor of ${dtype}`);
  }
}
