/**
 * The reference backend: the contracts' own naive loops, one after the other, with float64 sums. Slow on purpose and
 * never tuned: it is the oracle that every other backend is held against. Float tensors are kept in float64 unless
 * float32 is asked for, so that central differences have digits to work with.
 */
import { type Backend, type InputsOf, type MemoryUse, type OutputsOf, Tensor } from "./backend.js";
import { type DType, dtypeOf, type TensorData, type TensorSpec, toDType } from "./dtype.js";
import { BackendError } from "./errors.js";
import { ANY, KEPT, type Operands, type View } from "./kernels/contract.js";
import type { AttributesOf, KernelName } from "./kernels/index.js";
import type { AnyOp, Op } from "./op.js";
import { planOp, planRun, type RunPlan, type TensorRecord } from "./run.js";
import { type Shape, sizeOf } from "./shape.js";
import { checkReshape, checkUpload, checkWrite } from "./tensor.js";

/** Values, and how many tensors look at them. */
interface Storage {
  readonly data: TensorData;
  uses: number;
}

class ReferenceTensor extends Tensor {
  freed = false;
  constructor(
    backend: Backend,
    shape: Shape,
    dtype: DType,
    readonly storage: Storage,
  ) {
    super(backend, shape, dtype);
  }
}

/** How exact the reference backend is. */
export interface ReferenceOptions {
  /** What float tensors are stored in; sums are float64 either way. Default float64. */
  readonly precision?: "float64" | "float32";
}

/** A backend of plain loops on the host: slow, exact, and there everywhere. */
export function reference({ precision = "float64" }: ReferenceOptions = {}): Backend {
  const Store = precision === "float64" ? Float64Array : Float32Array;
  const memory = { liveBytes: 0, peakBytes: 0, liveTensors: 0 };

  const make = (shape: Shape, data: TensorData, dtype = dtypeOf(data)): ReferenceTensor => {
    memory.liveBytes += data.byteLength;
    memory.liveTensors += 1;
    memory.peakBytes = Math.max(memory.peakBytes, memory.liveBytes);
    return new ReferenceTensor(backend, shape, dtype, { data, uses: 1 });
  };
  const own = (tensor: Tensor): ReferenceTensor => {
    if (!(tensor instanceof ReferenceTensor) || tensor.backend !== backend) {
      throw new BackendError(
        `this tensor lives on backend ${tensor.backend.name}, not on this reference backend`,
      );
    }
    if (tensor.freed) throw new BackendError("this tensor was freed before this use");
    return tensor;
  };
  const dataOf = (tensor: Tensor): TensorData => own(tensor).storage.data;
  const viewOf = (tensor: Tensor): View => ({
    shape: tensor.shape,
    dtype: tensor.dtype,
    data: dataOf(tensor),
  });
  const empty = ({ shape, dtype }: TensorSpec): TensorData =>
    KEPT.includes(dtype) ? new Store(sizeOf(shape)) : toDType({ length: sizeOf(shape) }, dtype).fill(0);

  const runPlan = ({ contract, outputs }: RunPlan, inputs: TensorRecord, attributes: object) => {
    const views: Record<string, View> = {};
    for (const [name, tensor] of Object.entries(inputs)) if (tensor) views[name] = viewOf(tensor);
    const results: Record<string, View> = {};
    for (const { name, spec } of outputs) results[name] = { ...spec, data: empty(spec) };
    contract.naive(views, attributes, results);
    const tensors: Record<string, Tensor> = {};
    for (const { name, spec, into: target } of outputs) {
      const data = results[name].data;
      if (target) {
        const sum = dataOf(target);
        for (let i = 0; i < data.length; i++) sum[i] += data[i];
      }
      tensors[name] = target ?? make(spec.shape, data, spec.dtype);
    }
    return tensors;
  };

  const backend: Backend = {
    name: "reference",
    description: `reference, ${precision}, plain loops`,
    asynchronous: false,
    dtypes: [...ANY, "bfloat16"],
    upload(data, shape) {
      checkUpload(data, shape);
      return make(shape, dtypeOf(data) === "float32" ? Store.from(data) : toDType(data, dtypeOf(data)));
    },
    write(tensor, data) {
      checkWrite(data, tensor);
      dataOf(tensor).set(tensor.dtype === "bfloat16" ? toDType(data, tensor.dtype) : data);
    },
    run<K extends KernelName>(
      kernel: K,
      inputs: InputsOf<K>,
      attributes: AttributesOf<K>,
      into: Partial<OutputsOf<K>> = {},
    ): OutputsOf<K> {
      const plan = planRun(backend, kernel, inputs, attributes as object, into);
      return runPlan(plan, inputs, attributes as object) as OutputsOf<K>;
    },
    runOp<I extends string, P extends string, A, O extends string>(
      op: Op<I, P, A, O>,
      inputs: Operands<I, P, Tensor>,
      attributes: A,
    ): { readonly [N in O]: Tensor } {
      const plan = planOp(backend, op as unknown as AnyOp, inputs, attributes as object);
      return runPlan(plan, inputs, attributes as object) as { [N in O]: Tensor };
    },
    reshape(tensor, shape) {
      const { dtype, storage } = own(tensor);
      checkReshape(tensor, shape);
      storage.uses += 1;
      memory.liveTensors += 1;
      return new ReferenceTensor(backend, shape, dtype, storage);
    },
    read: (tensor) => Promise.resolve(dataOf(tensor).slice()),
    readMany: (tensors) => Promise.all(tensors.map((tensor) => backend.read(tensor))),
    free(tensor) {
      const target = own(tensor);
      target.freed = true;
      target.storage.uses -= 1;
      memory.liveTensors -= 1;
      if (target.storage.uses === 0) memory.liveBytes -= target.storage.data.byteLength;
    },
    sync: () => Promise.resolve(),
    memory: (): MemoryUse => ({ ...memory }),
    dispose: () => Promise.resolve(),
  };
  return backend;
}
