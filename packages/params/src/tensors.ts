/** Tensors by their names to entries of a safetensors file, and out of one. */
import type { Named } from "@normless/optim";
import type { Dtype, Store, TensorEntry } from "@normless/safetensors";
import { type Backend, BackendError, type DType, type Tensor, toDType } from "@normless/tensor";
import { isStateName } from "./names.js";
import { checkStored, storedKind, storedValues } from "./stored.js";

const DTYPES: Readonly<Record<DType, Dtype>> = {
  float32: "F32",
  int32: "I32",
  bool: "BOOL",
  bfloat16: "BF16",
};

/**
 * Each tensor as an entry under its name: F32, I32, BOOL or BF16, exact to the bit (float64 of the reference backend is rounded).
 * Values are read as their turn to be written comes: until then tensors are neither changed nor freed.
 * @throws BackendError for a name that an optimiser's state has (`adamw.m.…`), which would be taken for one
 */
export function tensorEntries(tensors: Named<Tensor>): TensorEntry[] {
  return Object.entries(tensors).map(([name, tensor]) => {
    if (isStateName(name)) {
      throw new BackendError(
        `tensorEntries: ${name} is a name of an optimiser's state; rename the parameter`,
      );
    }
    const data = async () => {
      const values = await tensor.read();
      return values instanceof Float64Array ? toDType(values, "float32") : values;
    };
    return { name, dtype: DTYPES[tensor.dtype], shape: tensor.shape, data };
  });
}

/**
 * New tensors of what a file holds, by name, the caller's: of all its tensors but an optimiser's state, or of those that
 * `names` lists. F16 and BF16 become float32 exactly, F64 is rounded.
 * @throws before anything is made: SafetensorsError for a name that is not there, BackendError for a dtype that tensors do not
 * have. Where reading fails later, nothing is left.
 */
export async function readTensors(
  store: Store,
  backend: Backend,
  names: readonly string[] = store.names().filter((name) => !isStateName(name)),
): Promise<Record<string, Tensor>> {
  const kinds = names.map((name) => [name, storedKind("readTensors", store, name)] as const);
  const made = new Map<string, Tensor>();
  try {
    for (const [name, kind] of kinds) {
      made.set(name, backend.upload(await storedValues(store, name, kind), store.info(name).shape));
    }
  } catch (error) {
    for (const tensor of made.values()) tensor.free();
    throw error;
  }
  return Object.fromEntries(made);
}

/**
 * Overwrites tensors that exist with what a file holds under their names, dtypes as in `readTensors`. What else it holds is
 * left alone.
 * @throws before anything changes: SafetensorsError naming a tensor that is missing, ShapeError one of another shape,
 * BackendError one of another kind
 */
export async function loadTensors(store: Store, tensors: Named<Tensor>): Promise<void> {
  const entries = Object.entries(tensors);
  for (const [name, tensor] of entries) checkStored("loadTensors", store, name, tensor);
  for (const [name, tensor] of entries) {
    tensor.backend.write(tensor, await storedValues(store, name, tensor.dtype));
  }
}
