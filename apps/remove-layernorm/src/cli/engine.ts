/** Which engine runs. What was asked for and is not there is an error, never another engine in silence. */
import { type Backend, reference } from "@normless/tensor";
import { wasm } from "@normless/tensor-wasm";

export const engineNames = ["wasm", "blas", "reference"] as const;
export type EngineName = (typeof engineNames)[number];

export interface EngineOptions {
  readonly backend?: EngineName | undefined;
  readonly threads?: number | undefined;
  readonly simd?: "auto" | "relaxed" | "plain" | undefined;
  /** Name or path of the library of `blas`. */
  readonly blasLibrary?: string | undefined;
}

/** What decides the bits: the engine and its build, never the number of threads (but see `blas`). */
export interface EngineUsed {
  readonly backend: EngineName;
  readonly simd?: "relaxed" | "plain" | undefined;
  readonly blasLibrary?: string | undefined;
}

export interface Engine {
  readonly backend: Backend;
  readonly used: EngineUsed;
}

/** The caller disposes of `backend`. */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const { backend = "wasm", threads, simd, blasLibrary } = options;
  if (blasLibrary !== undefined && backend !== "blas") {
    throw new Error(`--blas-library goes with --backend blas; the backend is ${backend}`);
  }
  const cpu = { ...(threads !== undefined && { threads }), ...(simd && { simd }) };
  switch (backend) {
    case "reference":
      return { backend: reference(), used: { backend } };
    case "wasm": {
      const engine = await wasm(cpu);
      return { backend: engine, used: { backend, simd: engine.simd } };
    }
    case "blas": {
      // Not before it is asked for: its native part must not be able to stop those who do not need it.
      const { blas } = await import("@normless/tensor-blas");
      const engine = await blas({ ...cpu, ...(blasLibrary !== undefined && { library: blasLibrary }) });
      return { backend: engine, used: { backend, simd: engine.simd, blasLibrary } };
    }
  }
}

/** Starts an engine for as long as `use` takes. */
export async function withEngine<X>(options: EngineOptions, use: (engine: Engine) => Promise<X>): Promise<X> {
  const engine = await startEngine(options);
  try {
    return await use(engine);
  } finally {
    await engine.backend.dispose();
  }
}
