/** Our engines. Every suite measures each that starts here; another one is one more line. */
import type { Backend } from "@normless/tensor";
import { wasm } from "@normless/tensor-wasm";

export interface EngineEntry {
  readonly name: string;
  start(threads: number): Promise<Backend>;
}

/** The engine that everything is compared to and that the run itself uses. */
export const mainEngine = {
  name: "wasm",
  start: (threads: number) => wasm({ threads }),
} satisfies EngineEntry;

const engines: readonly EngineEntry[] = [
  mainEngine,
  // Not before they are asked for: their native part must not be able to stop those who do not need it.
  {
    name: "native",
    start: async (threads) => (await import("@normless/tensor-native")).native({ threads }),
  },
  { name: "blas", start: async (threads) => (await import("@normless/tensor-blas")).blas({ threads }) },
];

/** @throws Error when there is no engine of that name. */
export function engineNamed(name: string): EngineEntry {
  const found = engines.find((engine) => engine.name === name);
  if (!found) throw new Error(`no engine ${name}; there are ${engines.map((e) => e.name).join(", ")}`);
  return found;
}

/** An engine that starts here, and what really runs under its name. */
export interface UsableEngine extends EngineEntry {
  readonly description: string;
}

/** Those that start on this machine; one that does not is said aloud and left out. @throws Error when the main one does not. */
export async function usableEngines(threads: number, say: (text: string) => void): Promise<UsableEngine[]> {
  const usable: UsableEngine[] = [];
  for (const engine of engines) {
    try {
      const backend = await engine.start(threads);
      usable.push({ ...engine, description: backend.description });
      await backend.dispose();
    } catch (error) {
      if (engine === mainEngine) throw error;
      say(`LEFT OUT: ${engine.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return usable;
}

/** An engine that was started. */
export interface Started {
  readonly name: string;
  readonly threads: number;
  readonly backend: Backend;
}

/** The main engine with one thread, and every engine with all of them; ended when `use` is. */
export async function withEngines<X>(
  { engines, threads }: { readonly engines: readonly EngineEntry[]; readonly threads: number },
  use: (started: readonly Started[]) => Promise<X>,
): Promise<X> {
  const wanted = [
    ...(threads > 1 ? [{ entry: mainEngine, threads: 1 }] : []),
    ...engines.map((entry) => ({ entry, threads })),
  ];
  const started: Started[] = [];
  try {
    for (const { entry, threads } of wanted) {
      started.push({ name: entry.name, threads, backend: await entry.start(threads) });
    }
    return await use(started);
  } finally {
    for (const { backend } of started) await backend.dispose();
  }
}
