/** The Backend port over any Executor: checks, tensors and their memory. It knows neither device nor op. */
import { type Backend, type InputsOf, type MemoryUse, type OutputsOf, Tensor } from "../backend.js";
import { type DType, dtypeOf, type TensorData, toDType } from "../dtype.js";
import { BackendError } from "../errors.js";
import type { AttributesOf, KernelName } from "../kernels/index.js";
import { POSITION_CLASSES } from "../kernels/position-class.js";
import type { Operands } from "../kernels/contract.js";
import type { AnyOp, Op, OpBuild } from "../op.js";
import { planOp, planRun, type RunPlan, type TensorRecord } from "../run.js";
import { type Shape, showShape, sizeOf } from "../shape.js";
import { checkReshape, checkUpload, checkWrite } from "../tensor.js";
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
  /** Another one after every pass that could not write in place. */
  handle: Handle;
  /** The values of an int32 tensor that came from the host: ids are checked, and sorted, there. */
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

  const make = (shape: Shape, dtype: DType, handle: Handle, ints?: Int32Array) => {
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

  const runChecked = (
    kernel: string,
    { contract, outputs }: RunPlan,
    { inputs, attributes, build }: Task,
  ): Record<string, Tensor> => {
    const tensors: Record<string, GpuTensor<Handle>> = {};
    const operands: Record<string, Operand> = {};
    const handles: Record<string, Handle> = {};
    for (const name of [...contract.inputs, ...contract.optional]) {
      const given = inputs[name];
      if (!given) continue;
      const tensor = own(given, kernel);
      tensors[name] = tensor;
      operands[name] = tensor;
      handles[name] = tensor.storage.handle;
      if (tensor.ints) checkIds(kernel, name, tensor.ints, idLimit(name, inputs, attributes));
    }
    const results: Record<string, Result> = {};
    const places: Record<string, { size: number; into?: Handle }> = {};
    for (const [name, { shape }] of Object.entries(operands)) checkNotEmpty(kernel, name, shape);
    for (const { name, spec, into } of outputs) {
      checkNotEmpty(kernel, name, spec.shape);
      const size = sizeOf(spec.shape);
      results[name] = { shape: spec.shape, size, add: into !== undefined };
      places[name] = { size, ...(into && { into: own(into, kernel).storage.handle }) };
    }
    const program = build(operands, attributes, results);
    const done = executor.run(program, handles, places);
    for (const [name, handle] of Object.entries(done.replaced)) tensors[name].storage.handle = handle;
    const made: Record<string, Tensor> = {};
    for (const { name, spec, into } of outputs) {
      const handle = done.outputs[name];
      if (into) own(into, kernel).storage.handle = handle;
      made[name] = into ?? make(spec.shape, spec.dtype, handle);
    }
    return made;
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
      return make([...shape], dtypeOf(data), executor.upload(onlyBits(data)), ints);
    },
    write(tensor, data) {
      const target = own(tensor, "write");
      checkWrite(data, tensor);
      const { storage } = target;
      const handle = executor.upload(onlyBits(data));
      executor.release(storage.handle);
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
      const { storage, size, dtype } = own(tensor, "read");
      return storage.ints?.slice() ?? asDType(await executor.read(storage.handle, size), dtype);
    },
    async readMany(tensors): Promise<TensorData[]> {
      const owned = tensors.map((tensor) => own(tensor, "readMany"));
      const onDevice = owned.filter(({ ints }) => !ints);
      const floats = await executor.readMany(
        onDevice.map(({ storage: { handle }, size }) => ({ handle, size })),
      );
      return owned.map(
        ({ ints, dtype }) => ints?.slice() ?? asDType(floats.shift() ?? new Float32Array(), dtype),
      );
    },
    free(tensor) {
      const target = own(tensor, "free");
      target.freed = true;
      memory.liveTensors -= 1;
      target.storage.uses -= 1;
      if (target.storage.uses > 0) return;
      executor.release(target.storage.handle);
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
  return dtype === "float32" ? values : toDType(values, dtype);
}

/** What a bool tensor is made of, as 0 and 1. */
function onlyBits(data: TensorData): TensorData {
  return data instanceof Uint8Array ? toDType(data, "bool") : data;
}

/** How many values an int32 operand may take, from 0. */
function idLimit(name: string, { table, w }: TensorRecord, attributes: object): number {
  if (name === "classes") return POSITION_CLASSES.length;
  if (name === "targets" && w) return w.shape[0];
  if (table) return table.shape[0];
  return "vocabulary" in attributes ? Number(attributes.vocabulary) : 0;
}

/** @throws BackendError when an id is outside: a kernel must never read or write outside of its operands. */
function checkIds(op: string, name: string, ids: Int32Array, limit: number): void {
  const at = ids.findIndex((id) => id < 0 || id >= limit);
  if (at < 0) return;
  throw new BackendError(`${op}: ${name}[${at}] is ${ids[at]}; it must be from 0 to ${limit - 1}`);
}

/** gpu.js has no arrays without values, and WebGPU no bindings. */
function checkNotEmpty(kernel: string, name: string, shape: Shape): void {
  if (sizeOf(shape) > 0) return;
  throw new BackendError(
    `gpu: ${kernel}: ${name} is ${showShape(shape)}, without any value, which no GPU kernel takes; ` +
      "leave the op out, or run it on another backend",
  );
}
