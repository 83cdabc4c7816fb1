import { type Backend, BackendError, bytesOf, type DType, type Shape, Tensor } from "@normless/tensor";

/** A block of the engine's memory, and how many tensors look at it. */
interface Storage {
  /** The address of its first value. */
  readonly pointer: number;
  uses: number;
}

/** A tensor in the engine's memory: 4 bytes a value, of a bool, too, which is 0 or 1 there, 2 of a bfloat16. */
export class NativeTensor extends Tensor {
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
  get bytes(): number {
    return this.size * bytesOf(this.dtype);
  }
  /** Whether it was the last look at its block, which is then nobody's. */
  markFreed(): boolean {
    this.#freed = true;
    this.storage.uses -= 1;
    return this.storage.uses === 0;
  }
}

/** The tensor as this backend's own, alive. @throws BackendError otherwise. */
export function ownTensor(tensor: Tensor, backend: Backend, use: string): NativeTensor {
  if (!(tensor instanceof NativeTensor) || tensor.backend !== backend) {
    throw new BackendError(
      `${use}: this tensor lives on another backend (${tensor.backend.name}), not on this native backend`,
    );
  }
  if (tensor.freed) throw new BackendError(`${use}: this tensor was freed before this use`);
  return tensor;
}
