/** Hands jobs to the module and lends scratch memory: all that the kernels of ./kernels need. */
import type { Product } from "./kernels/gemm.js";
import type { Heap } from "./memory.js";
import { type Phase, phases } from "./probe.js";

/** What index.ts of the assembly exports. */
export interface Exports {
  publish(phase: number, units: number, parts: number, after: number, chained: number): void;
  drain(left: number): void;
  quitAll(): void;
  firstOutside(ids: number, length: number, limit: number): number;
}

/** Work below this (in about nanoseconds of one thread) is not worth sharing. */
const WORTH_SHARING = 5_000;
/** The ring of jobs, in words of 4 bytes (assembly/control.ts). */
const SLOTS = 64;
const RING = 131072 / 4;
const SLOT = 512 / 4;
const INTS = 192 / 4;
const FLOATS = 384 / 4;

/** Parts of the memory, as begin, end, begin, end, … in bytes. */
export type Ranges = readonly number[];

/** What an op touches, apart from scratch memory. */
export interface Footprint {
  readonly reads: Ranges;
  readonly writes: Ranges;
}

function meet(a: Ranges, b: Ranges): boolean {
  for (let i = 0; i < a.length; i += 2) {
    for (let j = 0; j < b.length; j += 2) if (a[i] < b[j + 1] && b[j] < a[i + 1]) return true;
  }
  return false;
}

const independent = (a: Footprint, b: Footprint) =>
  !meet(a.writes, b.writes) && !meet(a.writes, b.reads) && !meet(a.reads, b.writes);

/** Scratch memory of one op at a time. */
class Region {
  #block = { pointer: 0, size: 0, used: 0 };
  #grew = false;
  /** Blocks that this op has outgrown; its jobs may still use them. */
  #outgrown: { pointer: number; size: number }[] = [];

  constructor(readonly heap: Heap) {}

  /** Since `clear`. */
  get grew(): boolean {
    return this.#grew;
  }

  take(bytes: number): number {
    const size = Math.ceil(bytes / 64) * 64 + 64;
    if (this.#block.used + size > this.#block.size) {
      if (this.#block.size > 0) this.#outgrown.push(this.#block);
      const room = Math.max(2 * this.#block.size, size, 1 << 20);
      this.#block = { pointer: this.heap.allocate(room), size: room, used: 0 };
      this.#grew = true;
    }
    const pointer = this.#block.pointer + this.#block.used;
    this.#block.used += size;
    return pointer;
  }

  /** Gives back what `body` took. */
  scoped(body: () => void): void {
    const block = this.#block;
    const used = block.used;
    body();
    if (this.#block === block) block.used = used;
  }

  clear(): void {
    this.#block.used = 0;
    this.#grew = false;
    for (const { pointer, size } of this.#outgrown) this.heap.release(pointer, size);
    this.#outgrown = [];
  }
}

/**
 * Jobs are written ahead and begun in their order, and ops that touch what the other writes never run at once. So memory
 * that was freed may be given to a later op at once; only the host must `drain` before it touches memory itself.
 */
export class Engine {
  readonly #ints: Int32Array;
  readonly #floats: Float32Array;
  /** Jobs published so far: the number of the next one. */
  #jobs = 0;
  /** Two consecutive ops may run at once, so each has scratch memory of its own. */
  readonly #regions: readonly [Region, Region];
  #region: Region;
  /** The op before this one: its first job, and what it touches; undefined when this one must wait for all of it. */
  #previous: { readonly first: number; readonly footprint: Footprint } | undefined;
  /** So many jobs must be done before this op starts; undefined for all before it. */
  #after: number | undefined;
  /** Its first job. */
  #first = 0;

  constructor(
    readonly exports: Exports,
    readonly heap: Heap,
    readonly threads: number,
    /** Does the matrix products in place of the engine's own. */
    readonly gemm?: (product: Product) => void,
  ) {
    // The start of a shared memory stays valid when it grows.
    this.#ints = new Int32Array(heap.memory.buffer, 0, RING + SLOTS * SLOT);
    this.#floats = new Float32Array(heap.memory.buffer, 0, RING + SLOTS * SLOT);
    this.#regions = [new Region(heap), new Region(heap)];
    this.#region = this.#regions[0];
  }

  /**
   * Begins an op, which may run beside the end of the one before it where neither writes what the other touches; it
   * waits for all ops before that one. Without a footprint it waits for all.
   */
  beginOp(footprint?: Footprint): void {
    const previous = this.#previous;
    this.#first = this.#jobs;
    this.#after =
      footprint && previous && independent(previous.footprint, footprint) ? previous.first : undefined;
    this.#previous = footprint && { first: this.#first, footprint };
    const [one, other] = this.#regions;
    this.#region = footprint && this.#region === one ? other : one;
  }

  /**
   * Hands over a job, which starts when the op's jobs before it are done. `work` estimates the whole in nanoseconds of
   * one thread. Arguments are those that the job's doc comment lists.
   */
  run(
    phase: Phase,
    units: number,
    work: number,
    ints: readonly number[],
    floats: readonly number[] = [],
  ): void {
    if (units <= 0) return;
    const job = this.#jobs++;
    const slot = RING + (job % SLOTS) * SLOT;
    for (let i = 0; i < ints.length; i++) this.#ints[slot + INTS + i] = ints[i];
    for (let i = 0; i < floats.length; i++) this.#floats[slot + FLOATS + i] = floats[i];
    const parts = this.threads > 1 && work > WORTH_SHARING ? units : 1;
    this.exports.publish(phases[phase], units, parts, this.#after ?? job, job > this.#first ? 1 : 0);
  }

  /** Returns when all jobs are done. */
  drain(): void {
    this.exports.drain(0);
  }

  /** Bytes that are the op's own until `endOp`, or until the enclosing `scoped` ends. */
  scratch(bytes: number): number {
    const pointer = this.#region.take(bytes);
    // New scratch memory may have been freed a moment ago: by a tensor that the op before this one still reads.
    if (this.#region.grew) this.#after = undefined;
    return pointer;
  }

  /** Gives back what `body` took of the scratch memory. */
  scoped(body: () => void): void {
    this.#region.scoped(body);
  }

  endOp(): void {
    // What the region has outgrown may become the next op's result, while this one still works in it.
    if (this.#region.grew) this.#previous = undefined;
    this.#region.clear();
  }
}
