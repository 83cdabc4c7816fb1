/** The factory of the backend: upload, run, read and free over one shared memory and its threads. */
import {
  type AnyOp,
  type AttributesOf,
  type Backend,
  BackendError,
  checkReshape,
  checkUpload,
  checkWrite,
  type DType,
  dtypeOf,
  type InputsOf,
  type KernelName,
  type Op,
  type Operands,
  type OutputsOf,
  planOp,
  planRun,
  type RunPlan,
  sayOnHost,
  type Shape,
  sizeOf,
  type Tensor,
  type TensorData,
  toDType,
  type View,
} from "@normless/tensor";
import { Engine, type Footprint } from "./engine.js";
import { addTo } from "./kernels/elementwise.js";
import { kernels } from "./kernels/index.js";
import { type Implementation, type Input, type Operand, type Result } from "./kernels/implementation.js";
import { Heap } from "./memory.js";
import { startPool } from "./pool.js";
import { chooseThreads, startBuild, type Simd } from "./probe.js";
import type { Product } from "./product.js";
import { ownTensor, WasmTensor } from "./tensor.js";

/** Which build runs, on how many threads, and whose matrix product. */
export interface WasmOptions {
  /** Threads that compute, the calling one included; default: the machine's cores, at most 8. */
  readonly threads?: number;
  /** Which build; "auto" takes relaxed SIMD where there is any. */
  readonly simd?: "auto" | Simd;
  /** Somebody else's matrix product in place of the engine's own, from five rows on (see @normless/tensor-blas). */
  readonly gemm?: Gemm;
}

/** A matrix product from outside. The promise of the same bits for any number of threads is then no longer ours. */
export interface Gemm {
  /** The backend's name, and for people what does the products: `blas`, `OpenBLAS 0.3.21`. */
  readonly name: string;
  readonly description: string;
  /** Given the engine's memory once: what does one product on it. A product's bias is already in C. */
  attach(memory: SharedArrayBuffer): (product: Product) => void;
}

/** The backend, with what it runs on. `dispose` ends its threads. */
export interface WasmBackend extends Backend {
  readonly threads: number;
  readonly simd: Simd;
  readonly diagnostics: Diagnostics;
}

/** The memory of an op's tensors. */
function footprint(
  { inputs: names, optional, mutates }: RunPlan["contract"],
  inputs: object,
  outputs: Readonly<Record<string, WasmTensor>>,
): Footprint {
  const reads: number[] = [];
  const writes: number[] = [];
  const touch = (name: string) => {
    const tensor = (inputs as Readonly<Record<string, WasmTensor | undefined>>)[name];
    if (tensor) (mutates.includes(name) ? writes : reads).push(tensor.pointer, tensor.pointer + tensor.bytes);
  };
  for (const name of names) touch(name);
  for (const name of optional) touch(name);
  for (const name in outputs) {
    const { pointer, bytes } = outputs[name];
    writes.push(pointer, pointer + bytes);
  }
  return { reads, writes };
}

/** What benchmarks hold the engine against: its own parts, alone. */
export interface Diagnostics {
  /** Returns when all that was run is done: what `sync` does, for whoever cannot await. */
  drain(): void;
  /** Hands out one unit to each thread, which ends when all have begun, and waits until they are done. */
  handOut(): void;
  /** `turns` times the micro-kernel (256 steps of a 6×8 tile) on every thread at once, in the nearest cache: flops done. */
  microKernel(turns: number): number;
}

/**
 * Makes the engine. Results have the same bits for any number of threads. In a page, call it inside a Web Worker; a
 * page that is not cross-origin isolated gets one thread, and `description` says so.
 * @throws BackendError when what was asked for is not there.
 */
export async function wasm({
  threads: asked,
  simd: wanted = "auto",
  gemm,
}: WasmOptions = {}): Promise<WasmBackend> {
  const { threads, note } = chooseThreads(asked);
  const heap = new Heap();
  const { module, simd, exports } = await startBuild(wanted, heap.memory);
  // Before there are threads, since it may be refused.
  const product = gemm?.attach(heap.memory.buffer);
  const engine = new Engine(exports, heap, threads, product);
  const pool = await startPool(module, heap.memory, threads - 1);
  const memory = { liveBytes: 0, peakBytes: 0, liveTensors: 0 };
  let disposed = false;

  const alive = (use: string) => {
    if (disposed) throw new BackendError(`${use}: this wasm backend was disposed`);
  };
  const make = (shape: Shape, dtype: DType, computed: boolean): WasmTensor => {
    const pointer = heap.allocate(sizeOf(shape) * 4);
    const tensor = new WasmTensor(backend, shape, dtype, { pointer, uses: 1, computed });
    memory.liveBytes += tensor.bytes;
    memory.liveTensors += 1;
    memory.peakBytes = Math.max(memory.peakBytes, memory.liveBytes);
    return tensor;
  };
  const put = (tensor: WasmTensor, data: TensorData) => {
    engine.drain();
    const { dtype, pointer, size } = tensor;
    if (dtype === "float32") heap.float32(pointer, size).set(data);
    else heap.int32(pointer, size).set(dtype === "bool" ? toDType(data, "bool") : data);
  };

  function run<K extends KernelName>(
    kernel: K,
    inputs: InputsOf<K>,
    attributes: AttributesOf<K>,
    into?: Partial<OutputsOf<K>>,
  ): OutputsOf<K> {
    alive(kernel);
    const { contract, outputs } = planRun(backend, kernel, inputs, attributes as object, into);
    const implementation: Implementation<K> = kernels[kernel];
    // planRun has checked that every input is a tensor of this backend.
    const operands: object = inputs;
    implementation.check?.(engine, operands as InputsOf<K, Input>, attributes);
    const tensors: Record<string, WasmTensor> = {};
    try {
      for (const name of contract.mutates)
        (operands as Record<string, WasmTensor>)[name].storage.computed = true;
      for (const { name, spec, into: given } of outputs) {
        const tensor = given ? ownTensor(given, backend, kernel) : make(spec.shape, spec.dtype, true);
        tensor.storage.computed = true;
        tensors[name] = tensor;
      }
      // One thread does jobs in their order, whatever they touch.
      engine.beginOp(
        threads === 1 || implementation.alone ? undefined : footprint(contract, inputs, tensors),
      );
      const results = into ? resultsOf(outputs, tensors, implementation.accumulates) : tensors;
      implementation.run(
        engine,
        operands as InputsOf<K, Operand>,
        attributes,
        results as OutputsOf<K, Result>,
      );
      if (into) addResults(outputs, tensors, results);
    } catch (error) {
      // Out of memory: what was made for this op is given back.
      for (const { name, into: given } of outputs) {
        if (!given && name in tensors) backend.free(tensors[name]);
      }
      throw error;
    } finally {
      engine.endOp();
    }
    return tensors as Record<string, Tensor> as OutputsOf<K>;
  }

  /** Where an op writes whose results are added to others: there, where its kernel adds by itself, else in scratch memory. */
  function resultsOf(
    outputs: RunPlan["outputs"],
    tensors: Readonly<Record<string, WasmTensor>>,
    accumulates = false,
  ): Record<string, Result> {
    const results: Record<string, Result> = {};
    for (const { name, into } of outputs) {
      const { pointer, shape, size, dtype, bytes } = tensors[name];
      const apart = into && !accumulates;
      const add = !!into && accumulates;
      results[name] = { pointer: apart ? engine.scratch(bytes) : pointer, shape, size, dtype, add };
    }
    return results;
  }

  /** Adds what `resultsOf` had written in scratch memory. */
  function addResults(
    outputs: RunPlan["outputs"],
    tensors: Readonly<Record<string, WasmTensor>>,
    results: Readonly<Record<string, Result>>,
  ): void {
    for (const { name, into } of outputs) {
      if (into && !results[name].add) addTo(engine, tensors[name], results[name].pointer);
    }
  }

  /** On the host: in the engine's memory, when all that was run is done. */
  function runOp<I extends string, P extends string, A, O extends string>(
    op: Op<I, P, A, O>,
    inputs: Operands<I, P, Tensor>,
    attributes: A,
  ): { readonly [N in O]: Tensor } {
    alive(op.name);
    const { outputs } = planOp(backend, op as unknown as AnyOp, inputs, attributes as object);
    sayOnHost(backend, op);
    const tensors: Record<string, WasmTensor> = {};
    try {
      for (const { name, spec } of outputs) tensors[name] = make(spec.shape, spec.dtype, false);
      engine.drain();
      const viewOf = ({ pointer, size, shape, dtype }: WasmTensor): View => ({
        ...{ shape, dtype },
        data: dtype === "float32" ? heap.float32(pointer, size) : heap.int32(pointer, size),
      });
      const views = (record: object) =>
        Object.fromEntries(
          Object.entries(record as Record<string, WasmTensor | undefined>).flatMap(([name, tensor]) =>
            tensor ? [[name, viewOf(tensor)]] : [],
          ),
        );
      const results = views(tensors);
      for (const { data } of Object.values(results)) data.fill(0);
      (op as unknown as AnyOp).naive(views(inputs), attributes as object, results);
    } catch (error) {
      for (const tensor of Object.values(tensors)) backend.free(tensor);
      throw error;
    }
    return tensors as Record<string, Tensor> as { [N in O]: Tensor };
  }

  const backend: WasmBackend = {
    name: gemm?.name ?? "wasm",
    description:
      `wasm, ${simd} SIMD, ${threads} ${threads === 1 ? "thread" : "threads"}${note}` +
      (gemm ? `, products by ${gemm.description}` : ""),
    asynchronous: false,
    dtypes: ["float32", "int32", "bool"],
    threads,
    simd,
    upload(data, shape) {
      alive("upload");
      checkUpload(data, shape);
      const tensor = make(shape, dtypeOf(data), false);
      put(tensor, data);
      return tensor;
    },
    write(tensor, data) {
      alive("write");
      checkWrite(data, tensor);
      const own = ownTensor(tensor, backend, "write");
      put(own, data);
      own.storage.computed = false;
    },
    diagnostics: {
      drain() {
        alive("diagnostics.drain");
        engine.drain();
      },
      handOut() {
        alive("diagnostics.handOut");
        engine.drain();
        engine.beginOp();
        const counter = engine.scratch(4);
        heap.int32(counter, 1)[0] = 0;
        engine.run("meet", threads, Infinity, [counter, threads]);
        engine.endOp();
        engine.drain();
      },
      microKernel(turns) {
        alive("diagnostics.microKernel");
        engine.drain();
        engine.beginOp();
        const perThread = 16 * 1024;
        const scratch = engine.scratch(perThread * threads);
        // Whatever an op left there may be subnormal, which takes some processors twice the time.
        heap.float32(scratch, (perThread * threads) / 4).fill(1e-3);
        engine.run("microTurns", threads, Infinity, [turns, scratch, perThread]);
        engine.endOp();
        engine.drain();
        return threads * turns * 2 * 6 * 8 * 256;
      },
    },
    run,
    runOp,
    reshape(tensor, shape) {
      alive("reshape");
      const { dtype, storage } = ownTensor(tensor, backend, "reshape");
      checkReshape(tensor, shape);
      storage.uses += 1;
      memory.liveTensors += 1;
      return new WasmTensor(backend, shape, dtype, storage);
    },
    read(tensor) {
      // Through a promise, so that errors arrive as rejections.
      return new Promise((resolve) => {
        alive("read");
        const { pointer, size, dtype } = ownTensor(tensor, backend, "read");
        engine.drain();
        if (dtype === "float32") resolve(heap.float32(pointer, size).slice());
        else resolve(toDType(heap.int32(pointer, size), dtype));
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
        engine.drain();
        resolve();
      }),
    memory: () => ({ ...memory, limitBytes: heap.limit }),
    async dispose() {
      if (disposed) return;
      disposed = true;
      engine.quit();
      await pool.stop();
    },
  };
  return backend;
}
