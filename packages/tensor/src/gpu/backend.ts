/** The Backend port over any Executor: checks, tensors and their memory. It knows neither device nor op. */
import { type Backend, type InputsOf, type MemoryUse, type OutputsOf, Tensor } from "../backend.js";
import { type DType, dtypeOf, type TensorData, toDType } from "../dtype.js";
import { BackendError } from "../errors.js";
import type { AttributesOf, KernelName } from "../kernels/index.js";
import type { Operands, View } from "../kernels/contract.js";
import { type AnyOp, type Op, type OpBuild, sayOnHost } from "../op.js";
import { planOp, planRun, type RunPlan, type TensorRecord } from "../run.js";
import { type Shape, sizeOf } from "../shape.js";
import { checkReshape, checkUpload, checkWrite } from "../tensor.js";
import { isOfNothing, ofNothing, withInner } from "./empty.js";
import { checkIds, copiedIds } from "./ids.js";
import { type Builds, kernels } from "./kernels/index.js";
import { Order } from "./order.js";
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

/** A kernel's operands and outputs when its turn has come. */
interface Work<Handle> {
  readonly tensors: Readonly<Record<string, GpuTensor<Handle>>>;
  readonly made: Readonly<Record<string, GpuTensor<Handle>>>;
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

  const order = new Order();
  /** The operands of a run, by name. */
  const ownOperands = (what: string, { contract }: RunPlan, inputs: TensorRecord) => {
    const tensors: Record<string, GpuTensor<Handle>> = {};
    for (const name of [...contract.inputs, ...contract.optional]) {
      const given = inputs[name];
      if (given) tensors[name] = own(given, what);
    }
    return tensors;
  };
  /** The outputs of a run, which `work` gives handles, now or when its turn has come. */
  const runInOrder = (
    { contract, outputs }: RunPlan,
    operands: Readonly<Record<string, GpuTensor<Handle>>>,
    ints: Int32Array | undefined,
    work: (made: Readonly<Record<string, GpuTensor<Handle>>>) => void,
  ): Record<string, Tensor> => {
    const made: Record<string, GpuTensor<Handle>> = {};
    for (const { name, spec, into } of outputs) {
      made[name] = into ? own(into, name) : make(spec.shape, spec.dtype, undefined, ints);
      if (into) made[name].storage.ints = undefined;
    }
    try {
      order.do(() => work(made));
    } catch (error) {
      for (const { name, into } of outputs) if (!into) made[name].free();
      throw error;
    }
    for (const name of contract.mutates) operands[name].storage.ints = undefined;
    return made;
  };
  const runKernel = (kernel: string, plan: RunPlan, { inputs, attributes, build }: Task) => {
    const tensors = ownOperands(kernel, plan, inputs);
    const ints = copiedIds(kernel, tensors, attributes);
    return runInOrder(plan, tensors, ints, (made) =>
      compute(kernel, plan, { tensors, made, attributes, build }),
    );
  };
  /** Runs a kernel's passes, and gives its outputs their handles. */
  const compute = (kernel: string, plan: RunPlan, { tensors, made, attributes, build }: Work<Handle>) => {
    const { outputs } = plan;
    const padded = withInner(kernel, tensors, attributes);
    if (!padded && isOfNothing(plan, tensors)) {
      const values = ofNothing(kernel, plan, tensors, attributes);
      for (const { name, into } of outputs) {
        made[name].storage.handle = into ? added(made[name], values[name]) : put(values[name]);
      }
      return;
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
      const target = into && made[name].storage.handle;
      places[name] = { size, ...(target !== undefined && { into: target }) };
    }
    try {
      const done = executor.run(build(operands, attributes, results), handles, places);
      for (const [name, handle] of Object.entries(done.replaced)) tensors[name].storage.handle = handle;
      for (const { name } of outputs) made[name].storage.handle = done.outputs[name];
    } finally {
      zeros.forEach((handle) => executor.release(handle));
    }
  };
  /** Runs an op's naive loop, once the values of its operands have come. */
  const runOnHost = (op: AnyOp, plan: RunPlan, inputs: TensorRecord, attributes: object) => {
    if (op.mutates.length > 0) {
      throw new BackendError(
        `gpu: ${op.name} changes ${op.mutates.join(" and ")}, which only a kernel can; give it one`,
      );
    }
    sayOnHost(backend, op);
    const tensors = ownOperands(op.name, plan, inputs);
    return runInOrder(plan, tensors, undefined, (made) => {
      const list = Object.entries(tensors);
      order.wait(valuesOf(list.map(([, tensor]) => tensor)), (values) => {
        const views = list.map(([name, { shape, dtype }], i) => [name, { shape, dtype, data: values[i] }]);
        const results: Record<string, View> = {};
        for (const { name, spec } of plan.outputs) {
          results[name] = { ...spec, data: toDType({ length: sizeOf(spec.shape) }, spec.dtype).fill(0) };
        }
        op.naive(Object.fromEntries(views) as Record<string, View>, attributes, results);
        for (const [name, { data }] of Object.entries(results)) made[name].storage.handle = put(data);
      });
    });
  };
  /** The values of tensors as they are now, in their order. */
  const valuesOf = async (tensors: readonly GpuTensor<Handle>[]): Promise<TensorData[]> => {
    const onDevice = tensors.flatMap(({ ints, size, storage: { handle } }) =>
      ints || handle === undefined ? [] : [{ handle, size }],
    );
    const places = tensors.map(({ ints, dtype, storage: { handle } }) => ({
      ints,
      dtype,
      empty: handle === undefined,
    }));
    const read = await executor.readMany(onDevice);
    return places.map(({ ints, dtype, empty }) => {
      if (ints) return ints.slice();
      return asDType((!empty && read.shift()) || new Float32Array(), dtype);
    });
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
    dtypes: ["float32", "int32", "bool"],
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
      storage.ints = data instanceof Int32Array ? data.slice() : undefined;
      order.do(() => {
        if (storage.handle !== undefined) executor.release(storage.handle);
        storage.handle = handle;
      });
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
      return runKernel(kernel, plan, { inputs, attributes: attributes as object, build }) as OutputsOf<K>;
    },
    runOp<I extends string, P extends string, A, O extends string>(
      op: Op<I, P, A, O>,
      inputs: Operands<I, P, Tensor>,
      attributes: A,
    ): { readonly [N in O]: Tensor } {
      alive(op.name);
      const any = op as unknown as AnyOp;
      const plan = planOp(backend, any, inputs, attributes as object);
      const inJs = executor.onlyWgsl ? undefined : any.gpu;
      const build = executor.mode === "webgpu" ? (any.wgsl ?? inJs) : inJs;
      const made = build
        ? runKernel(op.name, plan, { inputs, attributes: attributes as object, build })
        : runOnHost(any, plan, inputs, attributes as object);
      return made as { [N in O]: Tensor };
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
      return order.after(() => valuesOf(owned));
    },
    free(tensor) {
      const target = own(tensor, "free");
      target.freed = true;
      memory.liveTensors -= 1;
      target.storage.uses -= 1;
      if (target.storage.uses > 0) return;
      memory.liveBytes -= target.size * 4;
      order.do(() => {
        if (target.storage.handle !== undefined) executor.release(target.storage.handle);
      });
    },
    async sync() {
      alive("sync");
      await order.after(() => executor.sync());
    },
    memory: (): MemoryUse => ({ ...memory }),
    async dispose() {
      if (disposed) return;
      disposed = true;
      // What has failed there is of no interest to anybody any more.
      await order.after(() => Promise.resolve()).catch(() => undefined);
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
