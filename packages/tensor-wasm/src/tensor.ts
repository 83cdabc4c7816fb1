import { type Backend, BackendError, type DType, type Shape, Tensor } from "@normless/tensor";

/** A tensor in the engine's memory. */
export class WasmTensor extends Tensor {
  #freed = false;
  constructor(
    backend: Backend,
    shape: Shape,
    dtype: DType,
    /** Where its first value is, in bytes. */
    readonly pointer: number,
  ) {
    super(backend, shape, dtype);
  }
  get freed(): boolean {
    return this.#freed;
  }
  get bytes(): number {
    return this.size * 4;
  }
  markFreed(): void {
    this.#freed = true;
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
