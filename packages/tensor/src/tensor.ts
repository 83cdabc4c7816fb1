/** Tensors made from values, and the checks of what a backend is given. */
import type { Backend, Tensor } from "./backend.js";
import { type DType, dtypeOf, type TensorData } from "./dtype.js";
import { BackendError, ShapeError } from "./errors.js";
import { flatten, type NestedArray } from "./nested.js";
import { enroll } from "./scope.js";
import { type Shape, showShape, sizeOf } from "./shape.js";

/**
 * A float32 tensor from nested arrays (or one number): `tensor(backend, [[1, 2], [3, 4]])` is (2,2). @throws ShapeError
 * when rows differ in length
 */
export function tensor(backend: Backend, values: NestedArray): Tensor {
  const shape: number[] = [];
  const out: number[] = [];
  flatten(values, 0, shape, out);
  return enroll(backend.upload(Float32Array.from(out), shape));
}

/** A tensor of zeros. */
export function zeros(backend: Backend, shape: Shape, dtype: DType = "float32"): Tensor {
  return enroll(backend.run("full", {}, { shape, value: 0, dtype }).y);
}

/** Checks what `upload` is given: the length must be that of the shape. @throws BackendError */
export function checkUpload(data: TensorData, shape: Shape): void {
  checkShape("upload", shape);
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
  if (dtypeOf(data) !== (dtype === "bfloat16" ? "float32" : dtype)) {
    throw new BackendError(`write: a ${data.constructor.name} cannot go into a tensor of ${dtype}`);
  }
}

/** @throws BackendError where sizes are not whole numbers from 0 up */
export function checkShape(op: string, shape: Shape): void {
  for (const size of shape) {
    if (Number.isSafeInteger(size) && size >= 0) continue;
    throw new BackendError(`${op}: ${showShape(shape)} is not a shape; sizes are whole numbers from 0 up`);
  }
}

/** Checks what `reshape` is given: as many values as before. @throws ShapeError or BackendError */
export function checkReshape(tensor: Tensor, shape: Shape): void {
  checkShape("reshape", shape);
  if (sizeOf(shape) === tensor.size) return;
  throw new ShapeError("reshape", `${tensor.size} values do not fill ${sizeOf(shape)}`, {
    tensor: tensor.shape,
    shape,
  });
}
