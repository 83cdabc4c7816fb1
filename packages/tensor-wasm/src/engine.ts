/** Hands jobs to the module and lends scratch memory: all that the kernels of ./kernels need. */
import { BackendError } from "@normless/tensor";
import type { Exports } from "./exports.js";
import type { Heap } from "./memory.js";
import { type Phase, phases } from "./probe.js";
import type { Product } from "./product.js";

/** Work below this (in about nanoseconds of one thread) is not worth sharing. */
const WORTH_SHARING = 5_000;
/** So much of it goes to a thread at once, at least, where units are small. */
const PART = 1_000;
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

const failure = (cause?: unknown) =>
  new BackendError(
    "wasm: a kernel trapped, which is a defect of the engine; what was computed since the last read or sync is lost. " +
      "This backend is of no more use: dispose of it and make another one.",
    { cause },
  );

interface Block {
  readonly pointer: number;
  readonly size: number;
}

/**
 * Scratch memory of one op at a time: a block as large as the largest op so far needs, and further ones while an op
 * turns out to need more.
 */
class Region {
  #block: Block = { pointer: 0, size: 0 };
  #used = 0;
  /** Blocks that this op has outgrown; its jobs still use them. */
  #outgrown: Block[] = [];
  /** Bytes that this op holds, and the most that it held at once. */
  #held = 0;
  #most = 0;

  constructor(readonly heap: Heap) {}

  /** Since `clear`. */
  get grew(): boolean {
    return this.#outgrown.length > 0;
  }

  /** @throws BackendError when memory is full; then nothing has changed. */
  take(bytes: number): number {
    const size = Math.ceil(bytes / 64) * 64 + 64;
    if (this.#used + size > this.#block.size) {
      const block = { pointer: this.heap.allocate(size), size };
      this.#outgrown.push(this.#block);
      this.#block = block;
      this.#used = 0;
    }
    const pointer = this.#block.pointer + this.#used;
    this.#used += size;
    this.#held += size;
    this.#most = Math.max(this.#most, this.#held);
    return pointer;
  }

  /** Gives back what `body` took. */
  scoped(body: () => void): void {
    const before = this.#block;
    const [used, held, outgrown] = [this.#used, this.#held, this.#outgrown.length];
    body();
    this.#held = held;
    this.#used = used;
    if (this.#block === before) return;
    // Of the blocks with room again, the one with most: in a small one the next body's first piece may not fit.
    const made = [...this.#outgrown.splice(outgrown), this.#block].filter((block) => block !== before);
    const largest = made.reduce((a, b) => (b.size > a.size ? b : a));
    if (largest.size > before.size - used) {
      this.#block = largest;
      this.#used = 0;
    } else this.#block = before;
    this.#outgrown.push(...[before, ...made].filter((block) => block !== this.#block));
  }

  /** Ends an op. What it outgrew becomes one block, for the next op of its size. */
  clear(): void {
    if (this.grew) {
      for (const { pointer, size } of [...this.#outgrown, this.#block]) {
        if (size > 0) this.heap.release(pointer, size);
      }
      this.#outgrown = [];
      this.#block = this.#whole();
    }
    this.#used = 0;
    this.#held = 0;
  }

  /** Nothing where there is room in pieces only. */
  #whole(): Block {
    try {
      return { pointer: this.heap.allocate(this.#most), size: this.#most };
    } catch {
      return { pointer: 0, size: 0 };
    }
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
  /** The op before this one: its first job, and what it touches; undefined where that is not known. */
  #previous: { readonly first: number; readonly footprint: Footprint } | undefined;
  /** It has outgrown its scratch memory, so this one must wait for all of it. */
  #outgrew = false;
  /** So many jobs must be done before this op starts; undefined for all before it. */
  #after: number | undefined;
  /** Its first job. */
  #first = 0;
  #failed = false;

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
    const beside =
      footprint && previous && independent(previous.footprint, footprint) ? previous.first : undefined;
    this.#after = this.#outgrew ? undefined : beside;
    this.#outgrew = false;
    this.#previous = footprint && { first: this.#first, footprint };
    // Where it can, even if this time it has to wait: so that a step has its ops in the same regions as the first one.
    const [one, other] = this.#regions;
    this.#region = beside !== undefined && this.#region === one ? other : one;
  }

  /**
   * Hands over a job, which starts when the op's jobs before it are done. `work` estimates the whole in nanoseconds of
   * one thread. Arguments are those that the job's doc comment lists. @throws BackendError when a job has trapped.
   */
  run(
    phase: Phase,
    units: number,
    work: number,
    ints: readonly number[],
    floats: readonly number[] = [],
  ): void {
    if (units <= 0) return;
    this.#checkAlive();
    const job = this.#jobs++;
    const slot = RING + (job % SLOTS) * SLOT;
    for (let i = 0; i < ints.length; i++) this.#ints[slot + INTS + i] = ints[i];
    for (let i = 0; i < floats.length; i++) this.#floats[slot + FLOATS + i] = floats[i];
    const parts = this.threads > 1 && work > WORTH_SHARING ? Math.min(units, Math.ceil(work / PART)) : 1;
    try {
      this.exports.publish(phases[phase], units, parts, this.#after ?? job, job > this.#first ? 1 : 0);
    } catch (cause) {
      throw this.#trapped(cause);
    }
  }

  /** Between ops: returns when all are done. @throws BackendError when a job trapped, on whatever thread. */
  drain(): void {
    this.finish();
    this.#previous = undefined;
  }

  /** Within an op: returns when its jobs so far are done, and all before them. @throws BackendError when one trapped. */
  finish(): void {
    this.#checkAlive();
    try {
      this.exports.drain(0);
    } catch (cause) {
      throw this.#trapped(cause);
    }
  }

  /** Tells the threads to end. The engine is of no use afterwards. */
  quit(): void {
    if (!this.#failed) this.drain();
    this.exports.quitAll();
  }

  /** A trap leaves its job unfinished, and whoever waits for it would wait forever. */
  #trapped(cause: unknown): BackendError {
    this.#failed = true;
    this.exports.fail();
    return failure(cause);
  }

  #checkAlive(): void {
    if (this.#failed) throw failure();
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
    if (this.#region.grew) this.#outgrew = true;
    this.#region.clear();
  }
}
