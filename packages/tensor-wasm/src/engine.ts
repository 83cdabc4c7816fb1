/** Runs jobs of the module and lends scratch memory: all that the kernels of ./kernels need. */
import type { Product } from "./kernels/gemm.js";
import type { Heap } from "./memory.js";
import { type Phase, phases } from "./probe.js";

/** What index.ts of the assembly exports. */
export interface Exports {
  publish(phase: number, units: number): void;
  runAlone(phase: number, units: number): void;
  quitAll(): void;
  firstOutside(ids: number, length: number, limit: number): number;
}

/** Work below this (in about nanoseconds of one thread) is not worth waking anyone for. */
const WORTH_SHARING = 5_000;

export class Engine {
  #scratch = { pointer: 0, size: 0, used: 0 };
  /** Regions that were outgrown while their op still runs. */
  #outgrown: { pointer: number; size: number }[] = [];

  constructor(
    readonly exports: Exports,
    readonly heap: Heap,
    readonly threads: number,
    /** Does the matrix products in place of the engine's own. */
    readonly gemm?: (product: Product) => void,
  ) {}

  /**
   * Runs all units of a job and returns when they are done. `work` estimates the whole in nanoseconds of one thread.
   * Arguments are those that the job's doc comment lists.
   */
  run(
    phase: Phase,
    units: number,
    work: number,
    ints: readonly number[],
    floats: readonly number[] = [],
  ): void {
    if (units <= 0) return;
    for (let i = 0; i < ints.length; i++) this.heap.ints[i] = ints[i];
    for (let i = 0; i < floats.length; i++) this.heap.floats[i] = floats[i];
    if (this.threads > 1 && units > 1 && work > WORTH_SHARING) this.exports.publish(phases[phase], units);
    else this.exports.runAlone(phases[phase], units);
  }

  /** Bytes that are the op's own until `endOp`, or until the enclosing `scoped` ends. */
  scratch(bytes: number): number {
    const size = Math.ceil(bytes / 64) * 64 + 64;
    if (this.#scratch.used + size > this.#scratch.size) {
      if (this.#scratch.size > 0) this.#outgrown.push(this.#scratch);
      const room = Math.max(2 * this.#scratch.size, size, 1 << 20);
      this.#scratch = { pointer: this.heap.allocate(room), size: room, used: 0 };
    }
    const pointer = this.#scratch.pointer + this.#scratch.used;
    this.#scratch.used += size;
    return pointer;
  }

  /** Gives back what `body` took of the scratch memory. */
  scoped(body: () => void): void {
    const region = this.#scratch;
    const used = region.used;
    body();
    if (this.#scratch === region) region.used = used;
  }

  endOp(): void {
    this.#scratch.used = 0;
    for (const { pointer, size } of this.#outgrown) this.heap.release(pointer, size);
    this.#outgrown = [];
  }
}
