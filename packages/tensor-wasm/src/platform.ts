/**
 * What this package uses of its host, Node or a browser, as types: the compiler knows neither the DOM nor WebAssembly
 * here, since the core packages must not depend on either. Only types are imported, so bundlers have nothing to follow.
 */
import type * as os from "node:os";
import type * as v8 from "node:v8";
import type * as workerThreads from "node:worker_threads";

/** A compiled module (`WebAssembly.Module`). */
export interface WasmModule {
  readonly [Symbol.toStringTag]?: string;
}
/** A shared memory (`WebAssembly.Memory`); `grow` takes pages of 64 KiB, and throws where there are none left. */
export interface WasmMemory {
  /** A new object after each growth; the old one keeps its length. */
  readonly buffer: SharedArrayBuffer;
  grow(pages: number): number;
}
interface WebAssemblyApi {
  validate(bytes: Uint8Array): boolean;
  compile(bytes: Uint8Array): Promise<WasmModule>;
  instantiate(
    module: WasmModule,
    imports: { env: { memory: WasmMemory } },
  ): Promise<{ readonly exports: object }>;
  Memory: new (limits: { initial: number; maximum: number; shared: true }) => WasmMemory;
}
interface WebWorker {
  onmessage: (() => void) | null;
  onerror: ((event: { readonly message?: string }) => void) | null;
  postMessage(message: object): void;
  terminate(): void;
}
interface NodeModules {
  "node:v8": typeof v8;
  "node:os": typeof os;
  "node:worker_threads": typeof workerThreads;
}
interface Host {
  readonly WebAssembly: WebAssemblyApi;
  readonly Worker?: new (url: string) => WebWorker;
  readonly crossOriginIsolated?: boolean;
  readonly navigator?: { readonly hardwareConcurrency?: number };
  readonly process?: { readonly getBuiltinModule?: (name: string) => unknown };
}

const scope: object = globalThis;
/** The global object, as far as it is used here. */
export const host = scope as Host;

/** Node's own modules without an import that bundlers would follow; undefined in browsers. */
export function nodeModule<Name extends keyof NodeModules>(name: Name): NodeModules[Name] | undefined {
  return host.process?.getBuiltinModule?.(name) as NodeModules[Name] | undefined;
}
