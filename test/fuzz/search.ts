/**
 * A search guided by coverage, in a worker: a file that reaches a branch that none before it did, or comes to another
 * message, is kept and mutated further. All that happens follows from the seed.
 */
import { parentPort, workerData } from "node:worker_threads";
import { randomAt } from "@normless/random";
import { LONGEST, mutated } from "./mutate.js";
import { type Target, tryFile } from "./target.js";

/** What the worker is told. */
export interface Search {
  readonly cases: number;
  readonly seed: number;
  /** Files of earlier searches, and findings. */
  readonly files: readonly Uint8Array[];
  /** Shared: how many cases have begun, and of the last one its length and its bytes. */
  readonly state: SharedArrayBuffer;
}

/** What it tells at its end. */
export interface Found {
  readonly cases: number;
  /** Milliseconds. */
  readonly slowest: number;
  /** Files that were kept. */
  readonly files: readonly Uint8Array[];
  /** As istanbul has it. */
  readonly coverage: unknown;
  /** The target's. */
  readonly reader: readonly string[];
  /** What a case came to that must not be, and the case itself. */
  readonly fault?: { readonly message: string; readonly bytes: Uint8Array };
}

/** Bytes of the shared state before those of a case. */
export const HEAD_BYTES = 8;
export const STATE_BYTES = HEAD_BYTES + 2 * LONGEST;

/** Different messages that count; some have a number or a name of their own each. */
const MOST_MESSAGES = 500;

/** istanbul's counters of a file: statements, functions, branches. */
interface Counters {
  readonly s: Readonly<Record<string, number>>;
  readonly f: Readonly<Record<string, number>>;
  readonly b: Readonly<Record<string, readonly number[]>>;
}

/** Sees which counters are above zero for the first time. */
class Coverage {
  readonly #left: { readonly counters: Readonly<Record<number, number>>; readonly keys: Set<number> }[];

  constructor(readonly all: Readonly<Record<string, Counters>>) {
    this.#left = Object.values(all).flatMap(({ s, f, b }) =>
      [s, f, ...Object.values(b)].map((counters) => ({
        counters,
        keys: new Set(Object.keys(counters).map(Number)),
      })),
    );
  }

  /** Whether something new was reached since the last call. */
  grew(): boolean {
    let grew = false;
    for (const { counters, keys } of this.#left) {
      for (const key of keys) {
        if (counters[key] === 0) continue;
        keys.delete(key);
        grew = true;
      }
    }
    return grew;
  }
}

/** Searches, and posts what was found. */
export async function search(target: Target): Promise<void> {
  const { cases, seed, files, state } = workerData as Search;
  const head = new Int32Array(state, 0, 2);
  const bytesOfCase = new Uint8Array(state, HEAD_BYTES);
  const coverage = new Coverage(
    (globalThis as { __coverage__?: Record<string, Counters> }).__coverage__ ?? {},
  );
  const messages = new Set<string>();
  const kept: Uint8Array[] = [];
  let slowest = 0;
  let done = 0;

  const run = async (bytes: Uint8Array): Promise<boolean> => {
    bytesOfCase.set(bytes);
    head[1] = bytes.length;
    Atomics.store(head, 0, ++done);
    const begin = performance.now();
    const message = await tryFile(target, bytes);
    slowest = Math.max(slowest, performance.now() - begin);
    const shape = message?.replace(/"(?:[^"\\]|\\.)*"|\d+/g, "…").slice(0, 200);
    const isNew = shape !== undefined && messages.size < MOST_MESSAGES && !messages.has(shape);
    if (isNew) messages.add(shape);
    return coverage.grew() || isNew;
  };
  const found = (more: Partial<Found> = {}): Found => ({
    cases: done,
    slowest,
    files: kept,
    coverage: coverage.all,
    reader: target.reader,
    ...more,
  });

  let bytes: Uint8Array = new Uint8Array();
  try {
    for (bytes of [...(await target.seeds()), ...files]) {
      if (done === cases) break;
      // Files of an earlier search that reach nothing new are not worth keeping; seeds are what everything is made of.
      if ((await run(bytes)) || !files.includes(bytes)) kept.push(bytes);
    }
    while (done < cases) {
      const random = randomAt(seed, done);
      // The last ones more often: they are where something new was.
      const from =
        random.below(2) === 0
          ? random.below(kept.length)
          : kept.length - 1 - random.below(Math.min(kept.length, 20));
      bytes = mutated(kept[from], random, kept[random.below(kept.length)]);
      if (await run(bytes)) kept.push(bytes);
      // Signals and timers of what was read.
      if (done % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    parentPort?.postMessage(found());
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? `\n${error.cause.stack}` : "";
    parentPort?.postMessage(found({ fault: { message: `${String(error)}${cause}`, bytes } }));
  }
}
