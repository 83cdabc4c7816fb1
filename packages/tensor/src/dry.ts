/**
 * A backend that computes nothing and keeps no values: it checks operands, infers shapes, and counts bytes. Running a
 * step on it says exactly what tensors the step will need, in no time and before any memory is taken. Reads give zeros.
 */
import { type Backend, type InputsOf, type MemoryUse, type OutputsOf, Tensor } from "./backend.js";
import { bytesOf, type DType, dtypeOf, toDType } from "./dtype.js";
import { BackendError } from "./errors.js";
import { ANY, type Operands } from "./kernels/contract.js";
import type { AttributesOf, KernelName } from "./kernels/index.js";
import type { AnyOp, Op } from "./op.js";
import { planOp, planRun, type RunPlan } from "./run.js";
import { type Shape, sizeOf } from "./shape.js";
import { checkReshape, checkUpload, checkWrite } from "./tensor.js";

class DryTensor extends Tensor {
  isFreed = false;
  constructor(
    backend: Backend,
    shape: Shape,
    dtype: DType,
    readonly storage: { uses: number },
  ) {
    super(backend, shape, dtype);
  }
  get freed(): boolean {
    return this.isFreed;
  }
}

/**
 * A backend that checks and counts as any other, and computes nothing: for how much memory a step takes. `read` gives
 * zeros.
 */
export function dry(): Backend {
  const memory = { liveBytes: 0, peakBytes: 0, liveTensors: 0 };
  const make = (shape: Shape, dtype: DType): DryTensor => {
    memory.liveBytes += sizeOf(shape) * bytesOf(dtype);
    memory.liveTensors += 1;
    memory.peakBytes = Math.max(memory.peakBytes, memory.liveBytes);
    return new DryTensor(backend, shape, dtype, { uses: 1 });
  };
  const makeAll = ({ outputs }: RunPlan): Record<string, Tensor> =>
    Object.fromEntries(outputs.map(({ name, spec, into }) => [name, into ?? make(spec.shape, spec.dtype)]));
  const own = (tensor: Tensor): DryTensor => {
    if (tensor instanceof DryTensor && !tensor.freed) return tensor;
    throw new BackendError("dry: this tensor was freed before, or lives on another backend");
  };
  const backend: Backend = {
    name: "dry",
    description: "dry: counts bytes, computes nothing",
    asynchronous: false,
    dtypes: [...ANY, "bfloat16"],
    upload(data, shape) {
      checkUpload(data, shape);
      return make(shape, dtypeOf(data));
    },
    write: (tensor, data) => checkWrite(data, tensor),
    run<K extends KernelName>(
      kernel: K,
      inputs: InputsOf<K>,
      attributes: AttributesOf<K>,
      into: Partial<OutputsOf<K>> = {},
    ): OutputsOf<K> {
      return makeAll(planRun(backend, kernel, inputs, attributes as object, into)) as OutputsOf<K>;
    },
    runOp<I extends string, P extends string, A, O extends string>(
      op: Op<I, P, A, O>,
      inputs: Operands<I, P, Tensor>,
      attributes: A,
    ): { readonly [N in O]: Tensor } {
      return makeAll(planOp(backend, op as unknown as AnyOp, inputs, attributes as object)) as {
        [N in O]: Tensor;
      };
    },
    reshape(tensor, shape) {
      const { dtype, storage } = own(tensor);
      checkReshape(tensor, shape);
      storage.uses += 1;
      memory.liveTensors += 1;
      return new DryTensor(backend, shape, dtype, storage);
    },
    read: ({ size, dtype }) => Promise.resolve(toDType({ length: size }, dtype).fill(0)),
    readMany: (tensors) => Promise.all(tensors.map((tensor) => backend.read(tensor))),
    free(tensor) {
      const target = own(tensor);
      target.isFreed = true;
      target.storage.uses -= 1;
      if (target.storage.uses === 0) memory.liveBytes -= tensor.size * bytesOf(tensor.dtype);
      memory.liveTensors -= 1;
    },
    sync: () => Promise.resolve(),
    memory: (): MemoryUse => ({ ...memory }),
    dispose: () => Promise.resolve(),
  };
  return backend;
}
