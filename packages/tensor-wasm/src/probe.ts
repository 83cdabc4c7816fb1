/** Which of the two builds this engine runs, and with how many threads. Asking for what is not there is an error. */
import { BackendError } from "@normless/tensor";
import type { Exports } from "./exports.js";
import { phases } from "./generated/phases.js";
import { plain } from "./generated/plain.js";
import { relaxed } from "./generated/relaxed.js";
import { host, nodeModule, type WasmMemory, type WasmModule } from "./platform.js";

/** A build of the kernels: with fused multiply-add (relaxed SIMD), or with plain SIMD128. */
export type Simd = "relaxed" | "plain";
/** A kind of job, by its name in the assembly. */
export type Phase = keyof typeof phases;
export { phases };

function decode(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** A build that runs here, on a memory. */
export interface Started {
  readonly module: WasmModule;
  readonly simd: Simd;
  readonly exports: Exports;
}

/**
 * Starts the build that was asked for. An engine may take relaxed SIMD and round twice all the same, as JavaScriptCore does
 * (and any on a processor that cannot fuse): its bits would be those of the plain build, which then runs under its own name.
 * @throws BackendError when there is no such build, or no relaxed SIMD that fuses where that is asked for
 */
export async function startBuild(wanted: "auto" | Simd, memory: WasmMemory): Promise<Started> {
  const start = async (simd: "auto" | Simd): Promise<Started> => {
    const build = await compileBuild(simd);
    const { exports } = await host.WebAssembly.instantiate(build.module, { env: { memory } });
    return { ...build, exports: exports as Exports };
  };
  const first = await start(wanted);
  if (first.simd === "plain" || fuses(first.exports)) return first;
  if (wanted === "auto") return start("plain");
  throw new BackendError(
    'wasm: relaxed SIMD rounds twice in this engine, as plain SIMD does. Ask for simd: "plain" or "auto".',
  );
}

/** 1 + 2^−12 squared is 1 + 2^−11 + 2^−24, whose last part is lost where the product is rounded. */
function fuses(exports: Exports): boolean {
  const x = 1 + 2 ** -12;
  return exports.multiplyAdd(x, x, -(1 + 2 ** -11)) !== 0;
}

/**
 * Compiles the build that was asked for. Node 20 has relaxed SIMD behind a flag of V8, which counts for everything that
 * is compiled after it is set, worker threads included.
 * @throws BackendError when there is no such build, or no relaxed SIMD where that is asked for
 */
export async function compileBuild(simd: "auto" | Simd): Promise<{ module: WasmModule; simd: Simd }> {
  const { WebAssembly } = host;
  if (!["auto", "relaxed", "plain"].includes(simd)) {
    throw new BackendError(`wasm: simd is "${simd}"; it is "auto", "relaxed" or "plain"`);
  }
  if (simd !== "plain") {
    const bytes = decode(relaxed);
    if (!WebAssembly.validate(bytes)) {
      nodeModule("node:v8")?.setFlagsFromString("--experimental-wasm-relaxed-simd");
    }
    if (WebAssembly.validate(bytes)) return { module: await WebAssembly.compile(bytes), simd: "relaxed" };
    if (simd === "relaxed") {
      throw new BackendError('wasm: this engine has no relaxed SIMD. Ask for simd: "plain" or "auto".');
    }
  }
  const bytes = decode(plain);
  if (!WebAssembly.validate(bytes)) {
    throw new BackendError(
      "wasm: this engine lacks WebAssembly SIMD or threads; use Node 20 or a browser since 2023.",
    );
  }
  return { module: await WebAssembly.compile(bytes), simd: "plain" };
}

/** More threads than this only wait for memory; ask for more by number. */
const DEFAULT_MOST = 8;
/** The shared page has room for this many (assembly/control.ts). */
const MOST = 64;

/** How many threads run, and why fewer than were asked for. @throws BackendError when it is not 1 to 64 */
export function chooseThreads(asked: number | undefined): { threads: number; note: string } {
  if (asked !== undefined && !(Number.isInteger(asked) && asked >= 1 && asked <= MOST)) {
    throw new BackendError(`wasm: threads is ${asked}; it is a whole number from 1 to ${MOST}`);
  }
  const cores = nodeModule("node:os")?.availableParallelism() ?? host.navigator?.hardwareConcurrency ?? 1;
  const threads = asked ?? Math.min(cores, DEFAULT_MOST);
  if (threads > 1 && host.crossOriginIsolated === false) {
    return { threads: 1, note: " (page is not cross-origin isolated)" };
  }
  return { threads, note: "" };
}
