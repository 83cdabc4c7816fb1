/**
 * The worker threads: each instantiates the module on the shared memory and then stays inside it (assembly/threads.ts)
 * until told to quit. One source for Node's worker_threads and for browsers, where the engine itself must already live
 * in a Web Worker.
 */
import { BackendError } from "@normless/tensor";
import { host, nodeModule, type WasmMemory, type WasmModule } from "./platform.js";

/** Threads that wait for jobs. */
export interface Pool {
  /** Resolves when all threads have ended; they must have been told to quit. */
  stop(): Promise<void>;
}

const SERVE = `const serve = ({ module, memory, thread }, post) => {
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  post("ready");
  try {
    instance.exports.serve(thread);
  } catch (error) {
    instance.exports.fail();
    throw error;
  }
};`;
const NODE_SOURCE = `${SERVE}
const { workerData, parentPort } = require("node:worker_threads");
serve(workerData, (message) => parentPort.postMessage(message));`;
const WEB_SOURCE = `${SERVE}
onmessage = ({ data }) => { serve(data, (message) => postMessage(message)); close(); };`;

/**
 * Starts `count` workers and waits until each is about to enter its loop.
 * @throws Error of the first that does not start; then none stays
 */
export async function startPool(module: WasmModule, memory: WasmMemory, count: number): Promise<Pool> {
  const start = nodeModule("node:worker_threads") ? startNode : startWeb;
  const workers = Array.from({ length: count }, (_, i) => start({ module, memory, thread: i + 1 }));
  try {
    await Promise.all(workers.map(({ ready }) => ready));
  } catch (error) {
    await Promise.all(workers.map((worker) => worker.terminate()));
    throw error;
  }
  return {
    async stop() {
      await Promise.all(workers.map((worker) => worker.ended()));
    },
  };
}

interface PoolWorker {
  readonly ready: Promise<void>;
  /** When it has done what it was told: to quit. */
  ended(): Promise<void>;
  /** Ends it whatever it does. */
  terminate(): Promise<void>;
}

interface Start {
  readonly module: WasmModule;
  readonly memory: WasmMemory;
  readonly thread: number;
}

function startNode(workerData: Start): PoolWorker {
  const threads = nodeModule("node:worker_threads");
  if (!threads) throw new BackendError("wasm: node:worker_threads is missing");
  const worker = new threads.Worker(NODE_SOURCE, { eval: true, workerData, execArgv: [] });
  const exited = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  const ready = new Promise<void>((resolve, reject) => {
    worker.once("message", () => resolve());
    // One that traps later has said so in the memory itself, where a host that waits for it sees it.
    worker.on("error", reject);
  });
  return {
    ready: ready.then(() => {
      // A process may end without dispose.
      worker.unref();
    }),
    async ended() {
      worker.ref();
      await exited;
    },
    async terminate() {
      await worker.terminate();
    },
  };
}

function startWeb(start: Start): PoolWorker {
  const url = URL.createObjectURL(new Blob([WEB_SOURCE], { type: "text/javascript" }));
  if (!host.Worker) throw new BackendError("wasm: this host has no Web Workers; ask for threads: 1");
  const worker = new host.Worker(url);
  const ready = new Promise<void>((resolve, reject) => {
    worker.onmessage = () => resolve();
    worker.onerror = (event) => {
      reject(
        new BackendError(`wasm: a worker did not start: ${event.message || "is blob: allowed by the CSP?"}`),
      );
    };
    worker.postMessage(start);
  });
  const terminate = () => {
    worker.terminate();
    return Promise.resolve();
  };
  return { ready: ready.finally(() => URL.revokeObjectURL(url)), ended: terminate, terminate };
}
