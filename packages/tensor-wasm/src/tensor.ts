import { type Backend, BackendError, type DType, type Shape, Tensor } from "@normless/tensor";

/** A block of the engine's memory, and how many tensors look at it. */
interface Storage {
  /** Where its first value is, in bytes. */
  readonly pointer: number;
  uses: number;
  /** Whether a kernel writes it, so that only what has waited for all jobs sees its values. */
  computed: boolean;
}

/** A tensor in the engine's memory: 4 bytes a value, of a bool, too, which is 0 or 1 there. */
export class WasmTensor extends Tensor {
  #freed = false;
  constructor(
    backend: Backend,
    shape: Shape,
    dtype: DType,
    readonly storage: Storage,
  ) {
    super(backend, shape, dtype);
  }
  get freed(): boolean {
    return this.#freed;
  }
  get pointer(): number {
    return this.storage.pointer;
  }
  get computed(): boolean {
    return this.storage.computed;
  }
  get bytes(): number {
    return this.size * 4;
  }
  /** Of one that was just made, which is a kernel's result as it is: nothing is there to add to. */
  get add(): boolean {
    return false;
  }
  /** Whether it was the last look at its block, which is then nobody's. */
  markFreed(): boolean {
    this.#freed = true;
    this.storage.uses -= 1;
    return this.storage.uses === 0;
  }
}

/** The tensor as this backend's own, alive. @throws BackendError otherwise. */
export function ownTensor(tensor: Tensor, backend: Backend, use: string): WasmTensor {
  if (!(tensor instanceof WasmTensor) || tensor.backend !== backend) {
    throw new BackendError(
      `${use}: this tensor lives on another backend (${tensor.backend.name}), not on this wasm backend`,
    );
  }
  if (tensor.freed) throw new BackendError(`${use}: this tensor was freed before this use`);
  return tensor;
}
