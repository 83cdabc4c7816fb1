/**
 * A backend that computes nothing and keeps no values: it checks operands, infers shapes, and counts bytes. Running a
 * step on it says exactly what tensors the step will need, in no time and before any memory is taken. Reads give zeros.
 */
import { type Backend, type InputsOf, type MemoryUse, type OutputsOf, Tensor } from "./backend.js";
import type { DType } from "./dtype.js";
import { BackendError } from "./errors.js";
import type { AttributesOf, KernelName } from "./kernels/index.js";
import { planRun } from "./run.js";
import { type Shape, sizeOf } from "./shape.js";
import { checkUpload, checkWrite } from "./tensor.js";

class DryTensor extends Tensor {
  isFreed = false;
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
    memory.liveBytes += sizeOf(shape) * 4;
    memory.liveTensors += 1;
    memory.peakBytes = Math.max(memory.peakBytes, memory.liveBytes);
    return new DryTensor(backend, shape, dtype);
  };
  const backend: Backend = {
    name: "dry",
    description: "dry: counts bytes, computes nothing",
    asynchronous: false,
    upload(data, shape) {
      checkUpload(data, shape);
      return make(shape, data instanceof Int32Array ? "int32" : "float32");
    },
    write: (tensor, data) => checkWrite(data, tensor),
    run<K extends KernelName>(
      kernel: K,
      inputs: InputsOf<K>,
      attributes: AttributesOf<K>,
      into: Partial<OutputsOf<K>> = {},
    ): OutputsOf<K> {
      const { outputs } = planRun(backend, kernel, inputs, attributes as object, into);
      const tensors: Record<string, Tensor> = {};
      for (const { name, spec, into: target } of outputs)
        tensors[name] = target ?? make(spec.shape, spec.dtype);
      return tensors as OutputsOf<K>;
    },
    read: ({ size, dtype }) =>
      Promise.resolve(dtype === "int32" ? new Int32Array(size) : new Float32Array(size)),
    readMany: (tensors) => Promise.all(tensors.map((tensor) => backend.read(tensor))),
    free(tensor) {
      if (!(tensor instanceof DryTensor) || tensor.freed) {
        throw new BackendError("dry: this tensor was freed before, or lives on another backend");
      }
      tensor.isFreed = true;
      memory.liveBytes -= tensor.size * 4;
      memory.liveTensors -= 1;
    },
    sync: () => Promise.resolve(),
    memory: (): MemoryUse => ({ ...memory }),
    dispose: () => Promise.resolve(),
  };
  return backend;
}
