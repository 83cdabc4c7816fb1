/** The Backend port over any Executor: checks, tensors and their memory. It knows neither device nor op. */
import { type Backend, type InputsOf, type MemoryUse, type OutputsOf, Tensor } from "../backend.js";
import { type DType, dtypeOf, type TensorData, toDType } from "../dtype.js";
import { BackendError } from "../errors.js";
import type { AttributesOf, KernelName } from "../kernels/index.js";
import type { Operands } from "../kernels/contract.js";
import type { AnyOp, Op, OpBuild } from "../op.js";
import { planOp, planRun, type RunPlan, type TensorRecord } from "../run.js";
import { type Shape, sizeOf } from "../shape.js";
import { checkReshape, checkUpload, checkWrite } from "../tensor.js";
import { isOfNothing, ofNothing, withInner } from "./empty.js";
import { checkIds, copiedIds } from "./ids.js";
import { type Builds, kernels } from "./kernels/index.js";
import type { Executor, Operand, Result } from "./program.js";

/** A backend on a GPU, or on what stands for one. */
export interface GpuBackend extends Backend {
  /** What kernels really run on: webgpu, webgl2, headlessgl, webasm, cpu. */
  readonly mode: string;
  /** A CPU plays the GPU, as far as the mode can tell (GL does not say). */
  readonly software: boolean;
}

/** Values on the device, and how many tensors look at them. */
interface Storage<Handle> {
  /** Another one after every pass that could not write in place; undefined where there are no values. */
  handle: Handle | undefined;
  /** The values of an int32 tensor that came from the host, or was cut out of one: ids are checked, and sorted, there. */
  ints: Int32Array | undefined;
  uses: number;
}

class GpuTensor<Handle> extends Tensor {
  freed = false;
  constructor(
    backend: Backend,
    shape: Shape,
    dtype: DType,
    readonly storage: Storage<Handle>,
  ) {
    super(backend, shape, dtype);
  }
  get ints(): Int32Array | undefined {
    return this.storage.ints;
  }
}

type AnyBuild = OpBuild<string, string, object, string>;

/** What a run is given beside its plan. */
interface Task {
  readonly inputs: TensorRecord;
  readonly attributes: object;
  readonly build: AnyBuild;
}

/** The backend whose kernels `builds` turns into Programs for the executor. */
export function gpuBackend<Handle>(executor: Executor<Handle>, builds: Builds = kernels): GpuBackend {
  const memory = { liveBytes: 0, peakBytes: 0, liveTensors: 0 };
  let disposed = false;

  const make = (shape: Shape, dtype: DType, handle: Handle | undefined, ints?: Int32Array) => {
    const tensor = new GpuTensor(backend, shape, dtype, { handle, ints, uses: 1 });
    memory.liveBytes += tensor.size * 4;
    memory.liveTensors += 1;
    memory.peakBytes = Math.max(memory.peakBytes, memory.liveBytes);
    return tensor;
  };
  const alive = (use: string) => {
    if (disposed) throw new BackendError(`${use}: this gpu backend was disposed`);
  };
  /** The tensor as this backend's own, with its handle. */
  const own = (tensor: Tensor, use: string): GpuTensor<Handle> => {
    alive(use);
    if (tensor.backend !== backend) {
      throw new BackendError(`${use}: this tensor lives on another backend (${tensor.backend.name})`);
    }
    if (tensor.freed) throw new BackendError(`${use}: this tensor was freed before this use`);
    return tensor as GpuTensor<Handle>;
  };

  const put = (data: TensorData) => (data.length > 0 ? executor.upload(onlyBits(data)) : undefined);

  const runChecked = (
    kernel: string,
    plan: RunPlan,
    { inputs, attributes, build }: Task,
  ): Record<string, Tensor> => {
    const { contract, outputs } = plan;
    const tensors: Record<string, GpuTensor<Handle>> = {};
    for (const name of [...contract.inputs, ...contract.optional]) {
      const given = inputs[name];
      if (given) tensors[name] = own(given, kernel);
    }
    const padded = withInner(kernel, tensors, attributes);
    if (!padded && isOfNothing(plan, tensors)) {
      const values = ofNothing(kernel, plan, tensors, attributes);
      return finish(plan, (name, into) => (into ? added(into, values[name]) : put(values[name])));
    }

    const operands: Readonly<Record<string, Operand>> = padded ?? tensors;
    const handles: Record<string, Handle> = {};
    const zeros: Handle[] = [];
    for (const [name, { size }] of Object.entries(operands)) {
      const { handle } = tensors[name].storage;
      handles[name] = handle ?? executor.upload(new Float32Array(size));
      if (handle === undefined) zeros.push(handles[name]);
    }
    const results: Record<string, Result> = {};
    const places: Record<string, { size: number; into?: Handle }> = {};
    for (const { name, spec, into } of outputs) {
      const size = sizeOf(spec.shape);
      results[name] = { shape: spec.shape, size, add: into !== undefined };
      const target = into && own(into, kernel).storage.handle;
      places[name] = { size, ...(target !== undefined && { into: target }) };
    }
    try {
      const done = executor.run(build(operands, attributes, results), handles, places);
      for (const [name, handle] of Object.entries(done.replaced)) tensors[name].storage.handle = handle;
      for (const name of contract.mutates) tensors[name].storage.ints = undefined;
      return finish(plan, (name) => done.outputs[name], copiedIds(kernel, tensors, attributes));
    } finally {
      zeros.forEach((handle) => executor.release(handle));
    }
  };
  /** The outputs of a run, each with the handle that it has now. */
  const finish = (
    { outputs }: RunPlan,
    handleOf: (name: string, into: GpuTensor<Handle> | undefined) => Handle | undefined,
    ints?: Int32Array,
  ): Record<string, Tensor> => {
    const made: Record<string, Tensor> = {};
    for (const { name, spec, into } of outputs) {
      const target = into && own(into, name);
      const handle = handleOf(name, target);
      if (target) Object.assign(target.storage, { handle, ints: undefined });
      made[name] = target ?? make(spec.shape, spec.dtype, handle, ints);
    }
    return made;
  };
  /** The handle of a tensor that values of the host are added to. */
  const added = ({ shape, size, dtype, storage }: GpuTensor<Handle>, values: Float32Array) => {
    const [x, into] = [put(values), storage.handle];
    if (x === undefined || into === undefined) return into;
    const program = builds.scale(
      { x: { shape, size, dtype } },
      { factor: 1 },
      { y: { shape, size, add: true } },
    );
    const { outputs } = executor.run(program, { x }, { y: { size, into } });
    executor.release(x);
    return outputs.y;
  };

  const backend: GpuBackend = {
    name: "gpu",
    mode: executor.mode,
    software: executor.software,
    description: `gpu, ${executor.description}`,
    asynchronous: executor.asynchronous,
    upload(data, shape) {
      alive("upload");
      checkUpload(data, shape);
      const ints = data instanceof Int32Array ? data.slice() : undefined;
      return make([...shape], dtypeOf(data), put(data), ints);
    },
    write(tensor, data) {
      const target = own(tensor, "write");
      checkWrite(data, tensor);
      const { storage } = target;
      const handle = put(data);
      if (storage.handle !== undefined) executor.release(storage.handle);
      storage.handle = handle;
      storage.ints = data instanceof Int32Array ? data.slice() : undefined;
    },
    run<K extends KernelName>(
      kernel: K,
      inputs: InputsOf<K>,
      attributes: AttributesOf<K>,
      into: Partial<OutputsOf<K>> = {},
    ): OutputsOf<K> {
      alive(kernel);
      const plan = planRun(backend, kernel, inputs, attributes as object, into);
      checkIds(kernel, inputs, attributes as object);
      const build = builds[kernel] as unknown as AnyBuild;
      return runChecked(kernel, plan, { inputs, attributes: attributes as object, build }) as OutputsOf<K>;
    },
    runOp<I extends string, P extends string, A, O extends string>(
      op: Op<I, P, A, O>,
      inputs: Operands<I, P, Tensor>,
      attributes: A,
    ): { readonly [N in O]: Tensor } {
      alive(op.name);
      const any = op as unknown as AnyOp;
      const plan = planOp(backend, any, inputs, attributes as object);
      const build = executor.mode === "webgpu" ? (any.wgsl ?? any.gpu) : any.gpu;
      if (!build) throw new BackendError(`gpu: ${op.name} has no kernel for it`);
      return runChecked(op.name, plan, { inputs, attributes: attributes as object, build }) as {
        [N in O]: Tensor;
      };
    },
    reshape(tensor, shape) {
      const { dtype, storage } = own(tensor, "reshape");
      checkReshape(tensor, shape);
      storage.uses += 1;
      memory.liveTensors += 1;
      return new GpuTensor(backend, shape, dtype, storage);
    },
    async read(tensor): Promise<TensorData> {
      own(tensor, "read");
      return (await backend.readMany([tensor]))[0];
    },
    async readMany(tensors): Promise<TensorData[]> {
      const owned = tensors.map((tensor) => own(tensor, "readMany"));
      const onDevice = owned.flatMap(({ ints, size, storage: { handle } }) =>
        ints || handle === undefined ? [] : [{ handle, size }],
      );
      const read = await executor.readMany(onDevice);
      return owned.map(({ ints, dtype, storage: { handle } }) => {
        if (ints) return ints.slice();
        return asDType((handle !== undefined && read.shift()) || new Float32Array(), dtype);
      });
    },
    free(tensor) {
      const target = own(tensor, "free");
      target.freed = true;
      memory.liveTensors -= 1;
      target.storage.uses -= 1;
      if (target.storage.uses > 0) return;
      if (target.storage.handle !== undefined) executor.release(target.storage.handle);
      memory.liveBytes -= target.size * 4;
    },
    async sync() {
      alive("sync");
      await executor.sync();
    },
    memory: (): MemoryUse => ({ ...memory }),
    async dispose() {
      if (disposed) return;
      disposed = true;
      await executor.dispose();
    },
  };
  return backend;
}

/** A device keeps all kinds of values as float32. */
function asDType(values: Float32Array, dtype: DType): TensorData {
  if (dtype === "float32") return values;
  return toDType(dtype === "int32" ? Float64Array.from(values, within32Bits) : values, dtype);
}

/** As int32 stops at its ends when it comes from float32, which has no 2^31 − 1. */
function within32Bits(value: number): number {
  return Math.min(Math.max(value, -(2 ** 31)), 2 ** 31 - 1);
}

/** What a bool tensor is made of, as 0 and 1. */
function onlyBits(data: TensorData): TensorData {
  return data instanceof Uint8Array ? toDType(data, "bool") : data;
}
