/** The entry of the worker's bundle: runs the task it is sent and posts what came of it. */
import type { WasmOptions } from "@normless/tensor-wasm";
import { type TaskName, tasks } from "./tasks.js";

/** What the page sends. */
export interface Request {
  readonly task: TaskName;
  readonly options: WasmOptions;
}
/** What the page gets back. */
export type Reply = { readonly result: object } | { readonly error: string };

interface WorkerScope {
  onmessage: (event: { readonly data: Request }) => void;
  postMessage(reply: Reply): void;
}

const global: object = globalThis;
const scope = global as WorkerScope;
scope.onmessage = ({ data: { task, options } }) => {
  tasks[task](options)
    // What cannot be posted is an error, too.
    .then((result) => scope.postMessage({ result }))
    .catch((error: unknown) => scope.postMessage({ error: String(error) }));
};
