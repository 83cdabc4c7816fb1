/**
 * The worker threads: each instantiates the module on the shared memory and then stays inside it (assembly/threads.ts)
 * until told to quit. One source for Node's worker_threads and for browsers, where the engine itself must already live
 * in a Web Worker.
 */
import { BackendError } from "@normless/tensor";
import { host, nodeModule, type WasmMemory, type WasmModule } from "./platform.js";

export interface Pool {
  /** Resolves when all threads have ended; they must have been told to quit. */
  stop(): Promise<void>;
}

const SERVE = `const serve = ({ module, memory, thread }, post) => {
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  post("ready");
  instance.exports.serve(thread);
};`;
const NODE_SOURCE = `${SERVE}
const { workerData, parentPort } = require("node:worker_threads");
serve(workerData, (message) => parentPort.postMessage(message));`;
const WEB_SOURCE = `${SERVE}
onmessage = ({ data }) => { serve(data, (message) => postMessage(message)); close(); };`;

/** Starts `count` workers and waits until each is about to enter its loop. */
export async function startPool(module: WasmModule, memory: WasmMemory, count: number): Promise<Pool> {
  const start = nodeModule("node:worker_threads") ? startNode : startWeb;
  const workers = await Promise.all(
    Array.from({ length: count }, (_, i) => start({ module, memory, thread: i + 1 })),
  );
  return {
    async stop() {
      await Promise.all(workers.map((end) => end()));
    },
  };
}

interface Start {
  readonly module: WasmModule;
  readonly memory: WasmMemory;
  readonly thread: number;
}

async function startNode(workerData: Start): Promise<() => Promise<void>> {
  const threads = nodeModule("node:worker_threads");
  if (!threads) throw new BackendError("wasm: node:worker_threads is missing");
  const worker = new threads.Worker(NODE_SOURCE, { eval: true, workerData, execArgv: [] });
  const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
  await new Promise<void>((resolve, reject) => {
    worker.once("message", () => resolve());
    worker.once("error", reject);
  });
  // A process may end without dispose.
  worker.unref();
  return async () => {
    worker.ref();
    await ended;
  };
}

async function startWeb(start: Start): Promise<() => Promise<void>> {
  const url = URL.createObjectURL(new Blob([WEB_SOURCE], { type: "text/javascript" }));
  if (!host.Worker) throw new BackendError("wasm: this host has no Web Workers; ask for threads: 1");
  const worker = new host.Worker(url);
  await new Promise<void>((resolve, reject) => {
    worker.onmessage = () => resolve();
    worker.onerror = (event) => {
      reject(
        new BackendError(`wasm: a worker did not start: ${event.message || "is blob: allowed by the CSP?"}`),
      );
    };
    worker.postMessage(start);
  });
  URL.revokeObjectURL(url);
  return () => {
    worker.terminate();
    return Promise.resolve();
  };
}
