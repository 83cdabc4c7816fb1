/** A file's tensors as ours: of which kind they are, whether they fit, their values. */
import type { Store } from "@normless/safetensors";
import {
  BackendError,
  type DType,
  type Shape,
  sameShape,
  ShapeError,
  type TensorData,
  toDType,
} from "@normless/tensor";

/** Ours of the format's dtypes. What is stored in another float is float32 here. */
const KINDS: Readonly<Record<string, DType>> = {
  F32: "float32",
  F16: "float32",
  BF16: "float32",
  F64: "float32",
  I32: "int32",
  BOOL: "bool",
};

/**
 * What the tensor of this name is here. @throws SafetensorsError where the file has none, BackendError naming a dtype that
 * tensors here do not have
 */
export function storedKind(op: string, store: Store, name: string): DType {
  const { dtype } = store.info(name);
  if (Object.hasOwn(KINDS, dtype)) return KINDS[dtype];
  throw new BackendError(
    `${op}: ${name} in ${store.file(name)} is ${dtype}; tensors are made of ${Object.keys(KINDS).join(", ")}. ` +
      "Read it from the store, or write it in one of these",
  );
}

/** That the file has `name`, of this shape and kind. @throws ShapeError or BackendError naming it, and what the store throws */
export function checkStored(
  op: string,
  store: Store,
  name: string,
  { shape, dtype }: { readonly shape: Shape; readonly dtype: DType },
): void {
  const { shape: stored } = store.info(name);
  const kind = storedKind(op, store, name);
  if (!sameShape(stored, shape)) {
    const shapes = { asked: shape, stored };
    throw new ShapeError(
      op,
      `${name} in ${store.file(name)} has another shape`,
      shapes,
      "Is it of another model?",
    );
  }
  if (kind === dtype) return;
  throw new BackendError(`${op}: ${name} in ${store.file(name)} is ${kind}, and asked for is ${dtype}`);
}

/** The values, in an array as backends take them. @throws what the store does */
export async function storedValues(store: Store, name: string, kind: DType): Promise<TensorData> {
  if (kind === "float32") return store.readFloat32(name);
  // Of these kinds only I32 and BOOL are read, whose arrays are these.
  return toDType((await store.readTensor(name)) as Int32Array | Uint8Array, kind);
}
