/** Which engine runs. What was asked for and is not there is an error, never another engine in silence. */
import { type Backend, reference } from "@normless/tensor";
import { wasm } from "@normless/tensor-wasm";

export interface EngineOptions {
  readonly backend?: "wasm" | "reference" | undefined;
  readonly threads?: number | undefined;
  readonly simd?: "auto" | "relaxed" | "plain" | undefined;
}

/** What decides the bits: the engine and its build, never the number of threads. */
export interface EngineUsed {
  readonly backend: "wasm" | "reference";
  readonly simd?: "relaxed" | "plain" | undefined;
}

export interface Engine {
  readonly backend: Backend;
  readonly used: EngineUsed;
}

/** The caller disposes of `backend`. */
export async function startEngine({ backend = "wasm", threads, simd }: EngineOptions): Promise<Engine> {
  if (backend === "reference") return { backend: reference(), used: { backend } };
  const engine = await wasm({ ...(threads !== undefined && { threads }), ...(simd && { simd }) });
  return { backend: engine, used: { backend, simd: engine.simd } };
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
