/**
 * One shared WebAssembly.Memory and who owns which bytes of it. An allocation takes the smallest gap that it fits in;
 * freed blocks join the gaps beside them. A training step repeats its sizes, so after the first step nothing new is
 * taken. Never cleared, never moved.
 */
import { BackendError } from "@normless/tensor";
import { host, type WasmMemory } from "./platform.js";

const PAGE = 65536;
/** The first page and the third are the threads' (assembly/control.ts), the second holds the module's constants. */
const HEAP_START = 3 * PAGE;
/** Kernels may read (never write) a few floats past a tensor's end. */
const SLACK = 256;
const GROW = 256;

/** The memory that tensors and scratch are in, and which of it is free. One a backend. */
export class Heap {
  readonly memory: WasmMemory;
  readonly #maximum: number;
  /** Gaps below the top, by address; no two touch, and none touches the top. */
  readonly #gaps: { begin: number; end: number }[] = [];
  #top = HEAP_START;
  /** Of the memory, which is slow to ask. */
  #bytes: number;

  constructor() {
    const { memory, maximum } = createMemory();
    this.memory = memory;
    this.#maximum = maximum;
    this.#bytes = memory.buffer.byteLength;
  }

  /** The most bytes that tensors and scratch can take together. */
  get limit(): number {
    return this.#maximum * PAGE - HEAP_START - SLACK;
  }

  /** Bytes from the first block to the last, gaps included. */
  get extent(): number {
    return this.#top - HEAP_START;
  }

  /** A pointer to `bytes` and more, a multiple of 64. @throws BackendError when 4 GiB are full. */
  allocate(bytes: number): number {
    const size = blockSize(bytes);
    const best = this.#bestGap(size);
    if (best !== undefined) {
      const gap = this.#gaps[best];
      const pointer = gap.begin;
      gap.begin += size;
      if (gap.begin === gap.end) this.#gaps.splice(best, 1);
      return pointer;
    }
    if (this.#top + size + SLACK > this.#bytes) this.#grow(size);
    const pointer = this.#top;
    this.#top += size;
    return pointer;
  }

  /** Takes back what `allocate(bytes)` gave. */
  release(pointer: number, bytes: number): void {
    const end = pointer + blockSize(bytes);
    const gaps = this.#gaps;
    let at = 0;
    for (let length = gaps.length; at < length;) {
      const middle = (at + length) >> 1;
      if (gaps[middle].begin < pointer) at = middle + 1;
      else length = middle;
    }
    const before = at > 0 && gaps[at - 1].end === pointer ? gaps[at - 1] : undefined;
    const after = at < gaps.length && gaps[at].begin === end ? gaps[at] : undefined;
    if (before && after) {
      before.end = after.end;
      gaps.splice(at, 1);
    } else if (before) before.end = end;
    else if (after) after.begin = pointer;
    else gaps.splice(at, 0, { begin: pointer, end });
    const last = gaps.at(-1);
    if (last?.end === this.#top) {
      this.#top = last.begin;
      gaps.pop();
    }
  }

  #bestGap(size: number): number | undefined {
    let best: number | undefined;
    let least = Infinity;
    for (let i = 0; i < this.#gaps.length; i++) {
      const { begin, end } = this.#gaps[i];
      const length = end - begin;
      if (length < size || length >= least) continue;
      best = i;
      least = length;
    }
    return best;
  }

  float32(pointer: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, pointer, length);
  }

  int32(pointer: number, length: number): Int32Array {
    return new Int32Array(this.memory.buffer, pointer, length);
  }

  #grow(size: number): void {
    const pages = this.#bytes / PAGE;
    const missing = Math.ceil((this.#top + size + SLACK) / PAGE) - pages;
    const wanted = Math.min(Math.max(missing, GROW, pages >> 2), this.#maximum - pages);
    if (wanted < missing) throw this.#outOfMemory(size);
    try {
      this.memory.grow(wanted);
    } catch {
      throw this.#outOfMemory(size);
    }
    this.#bytes = this.memory.buffer.byteLength;
  }

  #outOfMemory(size: number): BackendError {
    const used = (this.#top / 2 ** 20).toFixed(0);
    return new BackendError(
      `wasm: no room for ${(size / 2 ** 20).toFixed(1)} MiB more; ${used} MiB are taken and ` +
        `${(this.#maximum * PAGE) / 2 ** 20} MiB is the most. Take a smaller batch, or free what is not used.`,
    );
  }
}

function blockSize(bytes: number): number {
  return Math.max(64, Math.ceil(bytes / 64) * 64);
}

/** 4 GiB is the limit of a 32-bit module; some systems cannot reserve that much address space. */
function createMemory(): { memory: WasmMemory; maximum: number } {
  let cause: unknown;
  for (const maximum of [65536, 32768, 16384]) {
    try {
      return { memory: new host.WebAssembly.Memory({ initial: GROW, maximum, shared: true }), maximum };
    } catch (error) {
      cause = error;
    }
  }
  throw new BackendError(
    "wasm: this engine cannot make a shared WebAssembly.Memory. In a page, serve it with the headers " +
      `Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp. (${String(cause)})`,
  );
}
