/** The factory of the backend: upload, run, read and free over one memory and its threads. */
import {
  type AnyOp,
  type AttributesOf,
  type Backend,
  BackendError,
  bytesOf,
  checkReshape,
  checkUpload,
  checkWrite,
  type DType,
  dtypeOf,
  fromBFloat16,
  type InputsOf,
  type KernelName,
  type Op,
  type Operands,
  type OutputsOf,
  planOp,
  planRun,
  sayOnHost,
  type Shape,
  sizeOf,
  type Tensor,
  type TensorData,
  toBFloat16,
  toDType,
  type View,
} from "@normless/tensor";
import { availableParallelism } from "node:os";
import { Engine } from "./engine.js";
import { addTo } from "./kernels/elementwise.js";
import type { Implementation, Operand, Result } from "./kernels/implementation.js";
import { kernels } from "./kernels/index.js";
import { loadLibrary } from "./library.js";
import { Heap } from "./memory.js";
import { NativeTensor, ownTensor } from "./tensor.js";

/** On how many threads, and which build. */
export interface NativeOptions {
  /** Threads that compute, the calling one included; default: the machine's cores, at most 64. */
  readonly threads?: number;
  /** The folder of a build, where that is not the one of `normless-native build`. */
  readonly folder?: string;
}

/** The backend, with what it runs on. `dispose` ends its threads and gives its memory back. */
export interface NativeBackend extends Backend {
  readonly threads: number;
  /** A name for the library's bytes: two builds of one name compute the same bits. */
  readonly build: string;
  readonly diagnostics: Diagnostics;
}

/** What benchmarks hold the engine against: its own parts, alone. */
export interface Diagnostics {
  /**
   * Runs the inner loop of all products, on operands in the nearest cache, so many times in each thread: what products could
   * do if memory cost nothing. Returns the floating-point operations.
   */
  microKernel(turns: number): number;
}

const MOST_THREADS = 64;

/**
 * Makes the engine. Results have the same bits for any number of threads, on one build.
 * @throws BackendError with what to do, when it is not built, damaged, of other sources or for another processor; when `threads`
 * is no whole number from 1 to 64, or the system does not start so many
 */
export function native({ threads = defaultThreads(), folder }: NativeOptions = {}): Promise<NativeBackend> {
  // Through a promise, as of every other engine that takes time to start.
  return new Promise((resolve) => resolve(start(threads, folder)));
}

const defaultThreads = () => Math.min(availableParallelism(), MOST_THREADS);

/** @throws BackendError when there is none, which ends the engine */
function heapBeside(engine: Engine): Heap {
  try {
    return new Heap(engine.library);
  } catch (error) {
    engine.stop();
    throw error;
  }
}

function start(threads: number, folder: string | undefined): NativeBackend {
  if (!Number.isInteger(threads) || threads < 1 || threads > MOST_THREADS) {
    throw new BackendError(
      `native: threads must be a whole number from 1 to ${MOST_THREADS}, not ${threads}`,
    );
  }
  const library = loadLibrary(folder);
  const { build } = library;
  const engine = new Engine(library, threads);
  const heap = heapBeside(engine);
  const memory = { liveBytes: 0, peakBytes: 0, liveTensors: 0 };
  let disposed = false;

  const alive = (use: string) => {
    if (disposed) throw new BackendError(`${use}: this native backend was disposed`);
  };
  const make = (shape: Shape, dtype: DType): NativeTensor => {
    const tensor = new NativeTensor(backend, shape, dtype, {
      pointer: heap.allocate(sizeOf(shape) * bytesOf(dtype)),
      uses: 1,
    });
    memory.liveBytes += tensor.bytes;
    memory.liveTensors += 1;
    memory.peakBytes = Math.max(memory.peakBytes, memory.liveBytes);
    return tensor;
  };
  const put = ({ dtype, pointer, bytes }: NativeTensor, data: TensorData) => {
    if (dtype === "bfloat16") return engine.copyIn(pointer, toBFloat16(data), bytes);
    const Kind = dtype === "float32" ? Float32Array : Int32Array;
    const values = dtype === "bool" ? toDType(data, "bool") : data;
    engine.copyIn(pointer, values instanceof Kind ? values : Kind.from(values), bytes);
  };
  const get = ({ dtype, pointer, size, bytes }: NativeTensor): TensorData => {
    if (dtype === "bfloat16") {
      const halves = new Uint16Array(size);
      engine.copyOut(halves, pointer, bytes);
      return fromBFloat16(halves);
    }
    const values = dtype === "float32" ? new Float32Array(size) : new Int32Array(size);
    engine.copyOut(values, pointer, bytes);
    return dtype === "bool" ? toDType(values, "bool") : values;
  };

  function run<K extends KernelName>(
    kernel: K,
    inputs: InputsOf<K>,
    attributes: AttributesOf<K>,
    into: Partial<OutputsOf<K>> = {},
  ): OutputsOf<K> {
    alive(kernel);
    const { outputs } = planRun(backend, kernel, inputs, attributes as object, into);
    const implementation: Implementation<K> = kernels[kernel];
    // planRun has checked that every input is a tensor of this backend.
    const operands = inputs as unknown as InputsOf<K, Operand>;
    implementation.check?.(engine, operands, attributes);
    const tensors: Record<string, NativeTensor> = {};
    const results: Record<string, Result> = {};
    const made: NativeTensor[] = [];
    const additions: { target: NativeTensor; sum: NativeTensor }[] = [];
    try {
      for (const { name, spec, into: given } of outputs) {
        const add = !!given && !!implementation.accumulates;
        const target = given && ownTensor(given, backend, kernel);
        const written = target && add ? target : make(spec.shape, spec.dtype);
        if (target && !add) additions.push({ target, sum: written });
        else if (!target) made.push(written);
        tensors[name] = target ?? written;
        const { pointer, shape, size, dtype } = written;
        results[name] = { pointer, shape, size, dtype, add };
      }
      implementation.run(engine, operands, attributes, results as OutputsOf<K, Result>);
      for (const { target, sum } of additions) addTo(engine, target, sum);
    } catch (error) {
      // Out of memory: what was made for this op is given back.
      for (const tensor of made) backend.free(tensor);
      throw error;
    } finally {
      for (const { sum } of additions) backend.free(sum);
    }
    return tensors as Record<string, Tensor> as OutputsOf<K>;
  }

  /** On the host: with copies of the values. */
  function runOp<I extends string, P extends string, A, O extends string>(
    op: Op<I, P, A, O>,
    inputs: Operands<I, P, Tensor>,
    attributes: A,
  ): { readonly [N in O]: Tensor } {
    alive(op.name);
    const any = op as unknown as AnyOp;
    const { contract, outputs } = planOp(backend, any, inputs, attributes as object);
    sayOnHost(backend, any);
    const operands = Object.entries(inputs as Record<string, Tensor | undefined>).flatMap(([name, tensor]) =>
      tensor ? [[name, ownTensor(tensor, backend, op.name)] as const] : [],
    );
    const views: Record<string, View> = {};
    for (const [name, tensor] of operands) {
      views[name] = { shape: tensor.shape, dtype: tensor.dtype, data: get(tensor) };
    }
    const results: Record<string, View> = {};
    for (const { name, spec } of outputs) {
      results[name] = { ...spec, data: toDType({ length: sizeOf(spec.shape) }, spec.dtype).fill(0) };
    }
    contract.naive(views, attributes as object, results);
    for (const [name, tensor] of operands) if (contract.mutates.includes(name)) put(tensor, views[name].data);
    const tensors: Record<string, Tensor> = {};
    for (const [name, { data, shape }] of Object.entries(results))
      tensors[name] = backend.upload(data, shape);
    return tensors as { [N in O]: Tensor };
  }

  const backend: NativeBackend = {
    name: "native",
    description: `native, build ${build.id} by ${build.from.compiler}, ${threads === 1 ? "1 thread" : `${threads} threads`}`,
    asynchronous: false,
    dtypes: ["float32", "int32", "bool", "bfloat16"],
    threads,
    build: build.id,
    diagnostics: {
      microKernel(turns) {
        alive("diagnostics.microKernel");
        return engine.microTurns(turns);
      },
    },
    upload(data, shape) {
      alive("upload");
      checkUpload(data, shape);
      const tensor = make(shape, dtypeOf(data));
      put(tensor, data);
      return tensor;
    },
    write(tensor, data) {
      alive("write");
      checkWrite(data, tensor);
      put(ownTensor(tensor, backend, "write"), data);
    },
    run,
    runOp,
    reshape(tensor, shape) {
      alive("reshape");
      const { dtype, storage } = ownTensor(tensor, backend, "reshape");
      checkReshape(tensor, shape);
      storage.uses += 1;
      memory.liveTensors += 1;
      return new NativeTensor(backend, shape, dtype, storage);
    },
    read(tensor) {
      // Through a promise, so that errors arrive as rejections.
      return new Promise((resolve) => {
        alive("read");
        resolve(get(ownTensor(tensor, backend, "read")));
      });
    },
    readMany: (tensors) => Promise.all(tensors.map((tensor) => backend.read(tensor))),
    free(tensor) {
      alive("free");
      const own = ownTensor(tensor, backend, "free");
      memory.liveTensors -= 1;
      if (!own.markFreed()) return;
      heap.release(own.pointer, own.bytes);
      memory.liveBytes -= own.bytes;
    },
    sync: () =>
      new Promise((resolve) => {
        alive("sync");
        resolve();
      }),
    memory: () => ({ ...memory, limitBytes: heap.limit }),
    dispose() {
      if (!disposed) {
        disposed = true;
        engine.stop();
        heap.end();
      }
      return Promise.resolve();
    },
  };
  return backend;
}
