/** One shared WebAssembly.Memory and who owns which bytes of it. Never cleared, never moved. */
import { BackendError, Blocks } from "@normless/tensor";
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
  readonly #blocks = new Blocks((extent, bytes) => this.#reach(extent, bytes));
  /** Of the memory, which is slow to ask. */
  #bytes: number;

  constructor() {
    const { memory, maximum } = createMemory();
    this.memory = memory;
    this.#bytes = memory.buffer.byteLength;
    this.#maximum = maximum;
  }

  /** The most bytes that tensors and scratch can take together. */
  get limit(): number {
    return this.#maximum * PAGE - HEAP_START - SLACK;
  }

  /** Bytes from the first block to the last, gaps included. */
  get extent(): number {
    return this.#blocks.extent;
  }

  /** A pointer to `bytes` and more, a multiple of 64. @throws BackendError when 4 GiB are full. */
  allocate(bytes: number): number {
    return HEAP_START + this.#blocks.allocate(bytes);
  }

  /** Takes back what `allocate(bytes)` gave. */
  release(pointer: number, bytes: number): void {
    this.#blocks.release(pointer - HEAP_START, bytes);
  }

  float32(pointer: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, pointer, length);
  }

  int32(pointer: number, length: number): Int32Array {
    return new Int32Array(this.memory.buffer, pointer, length);
  }

  /** Makes the memory long enough for blocks up to `extent`. */
  #reach(extent: number, bytes: number): void {
    const end = HEAP_START + extent + SLACK;
    if (end <= this.#bytes) return;
    const pages = this.#bytes / PAGE;
    const missing = Math.ceil(end / PAGE) - pages;
    const wanted = Math.min(Math.max(missing, GROW, pages >> 2), this.#maximum - pages);
    if (wanted < missing) throw this.#outOfMemory(bytes);
    try {
      this.memory.grow(wanted);
    } catch {
      throw this.#outOfMemory(bytes);
    }
    this.#bytes = this.memory.buffer.byteLength;
  }

  #outOfMemory(bytes: number): BackendError {
    const used = ((HEAP_START + this.extent) / 2 ** 20).toFixed(0);
    return new BackendError(
      `wasm: no room for ${(bytes / 2 ** 20).toFixed(1)} MiB more; ${used} MiB are taken and ` +
        `${(this.#maximum * PAGE) / 2 ** 20} MiB is the most. Take a smaller batch, or free what is not used.`,
    );
  }
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
