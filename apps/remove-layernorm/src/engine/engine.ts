/** Which engine runs. What was asked for and is not there is an error, never another engine in silence. */
import { type Backend, reference } from "@normless/tensor";
import type { GpuMode } from "@normless/tensor/gpu";
import { wasm } from "@normless/tensor-wasm";
import { messageOf, UsageError } from "../errors.js";
import type { Io } from "../terminal/io.js";

const gpuModes = ["webgpu", "webgl2", "headlessgl", "webasm", "cpu"] as const satisfies readonly GpuMode[];
export const engineNames = ["wasm", "native", "blas", ...gpuModes, "reference"] as const;
/** `auto` is a question; the others are answers. */
export const engineChoices = ["auto", ...engineNames] as const;
export type EngineName = (typeof engineNames)[number];

export interface EngineOptions {
  readonly backend?: EngineName | "auto" | undefined;
  readonly threads?: number | undefined;
  readonly simd?: "auto" | "relaxed" | "plain" | undefined;
  /** Name or path of the library of `blas`. */
  readonly blasLibrary?: string | undefined;
}

/** What decides the bits: the engine and its build, never the number of threads (but see `blas`). */
export interface EngineUsed {
  readonly backend: EngineName;
  readonly simd?: "relaxed" | "plain" | undefined;
  /** The build of `native`, by a name for its bytes. */
  readonly nativeBuild?: string | undefined;
  readonly blasLibrary?: string | undefined;
}

export interface Engine {
  readonly backend: Backend;
  readonly used: EngineUsed;
  /** Of `auto`: what was taken, and why nothing before it was. */
  readonly choice?: string | undefined;
}

/** The caller disposes of `backend`. @throws Error when the engine that was asked for is not there. */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const { backend = "wasm", threads, simd, blasLibrary } = options;
  if (blasLibrary !== undefined && backend !== "blas") {
    throw new UsageError(
      `--blas-library goes with --backend blas, and the backend is ${backend}; give both or neither`,
    );
  }
  const cpu = { ...(threads !== undefined && { threads }), ...(simd && { simd }) };
  switch (backend) {
    case "auto":
      return chooseEngine(options);
    case "reference":
      return { backend: reference(), used: { backend } };
    case "wasm": {
      const engine = await wasm(cpu);
      return { backend: engine, used: { backend, simd: engine.simd } };
    }
    // Not before they are asked for: their native part must not be able to stop those who do not need it.
    case "native": {
      const { native } = await import("@normless/tensor-native");
      const engine = await native(threads === undefined ? {} : { threads });
      return { backend: engine, used: { backend, nativeBuild: engine.build } };
    }
    case "blas": {
      const { blas } = await import("@normless/tensor-blas");
      const engine = await blas({ ...cpu, ...(blasLibrary !== undefined && { library: blasLibrary }) });
      return { backend: engine, used: { backend, simd: engine.simd, blasLibrary } };
    }
    case "webgpu":
    case "webgl2":
    case "headlessgl":
    case "webasm":
    case "cpu":
      return { backend: await startGpu(backend), used: { backend } };
  }
}

async function startGpu(mode: GpuMode) {
  const { gpu } = await import("@normless/tensor/gpu");
  return gpu({ mode });
}

/**
 * A real GPU through WebGPU, or else the native engine where it is built, or else the wasm engine. The other modes are
 * slower, and `blas` is never chosen.
 */
async function chooseEngine(options: EngineOptions): Promise<Engine> {
  const passed: string[] = [];
  const chosen = (engine: Engine): Engine => ({
    ...engine,
    choice: [`auto: ${engine.backend.description}`, ...passed].join(". "),
  });
  try {
    const gpu = await startGpu("webgpu");
    if (!gpu.software) return chosen({ backend: gpu, used: { backend: "webgpu" } });
    passed.push(`Not webgpu: a CPU plays its GPU (${gpu.description})`);
    await gpu.dispose();
  } catch (error) {
    passed.push(`Not webgpu: ${messageOf(error)}`);
  }
  try {
    return chosen(await startEngine({ ...options, backend: "native" }));
  } catch (error) {
    passed.push(`Not ${messageOf(error)}`);
  }
  return chosen(await startEngine({ ...options, backend: "wasm" }));
}

/** Starts an engine for as long as `use` takes; says what `auto` chose. */
export async function withEngine<X>(
  io: Io,
  options: EngineOptions,
  use: (engine: Engine) => Promise<X>,
): Promise<X> {
  const engine = await startEngine(options);
  try {
    if (engine.choice) io.err(`${engine.choice}\n`);
    return await use(engine);
  } finally {
    await engine.backend.dispose();
  }
}
