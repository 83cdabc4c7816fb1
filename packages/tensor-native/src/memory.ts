/** The engine's memory: addresses are reserved once, and pages come when they are first written. Never moved. */
import { BackendError, Blocks } from "@normless/tensor";
import { platform, totalmem } from "node:os";
import { declare, type Library } from "./library.js";

const reserve = declare("int64_t reserve(int64_t bytes)");
const giveBack = declare("int unreserve(float *base, int64_t bytes)");
const allow = declare("int allow(float *at, int64_t bytes, int allowed)");

/**
 * Before so many bytes more are written, the system is asked whether it has them. Beyond all tensors there are as many, since
 * kernels may read (never write) a few floats past a tensor's end.
 */
const STRIDE = 64 * 2 ** 20;

/** Bytes that tensors can take together at most: the machine's, or the container's. */
function mostBytes(): number {
  const container = process.constrainedMemory();
  return container > 0 ? Math.min(container, totalmem()) : totalmem();
}

/** The memory that tensors are in, and which of it is free. One a backend. */
export class Heap {
  readonly #blocks = new Blocks((extent, bytes) => this.#reach(extent, bytes));
  readonly #library: Library;
  readonly #base: number;
  readonly #reserved: number;
  /** Below this bytes have been there before, and are the process's own. */
  #reached = 0;
  /** The most bytes that tensors can take together. */
  readonly limit = mostBytes();

  /** @throws BackendError when the system does not give so many addresses */
  constructor(library: Library) {
    this.#library = library;
    this.#reserved = this.limit + STRIDE;
    this.#base = reserve.in(library)(this.#reserved);
    if (this.#base === 0) throw new BackendError("native: the system does not reserve memory for the engine");
  }

  /** The address of `bytes` and more, a multiple of 64. @throws BackendError when the machine's memory is full. */
  allocate(bytes: number): number {
    const begin = this.#blocks.allocate(bytes);
    this.#watch(begin, Blocks.sizeFor(bytes), false);
    return this.#base + begin;
  }

  /** Takes back what `allocate(bytes)` gave. */
  release(pointer: number, bytes: number): void {
    this.#watch(pointer - this.#base, Blocks.sizeFor(bytes), true);
    this.#blocks.release(pointer - this.#base, bytes);
  }

  /** Gives all of it back. */
  end(): void {
    // The addresses may become somebody else's.
    this.#watch(0, this.#reached + STRIDE, false);
    giveBack.in(this.#library)(this.#base, this.#reserved);
  }

  /** Tells AddressSanitizer, where that watches, whether to complain of what is read or written there. */
  #watch(begin: number, bytes: number, complain: boolean): void {
    if (this.#library.build.sanitized) allow.in(this.#library)(this.#base + begin, bytes, complain ? 0 : 1);
  }

  #reach(extent: number, bytes: number): void {
    const gibibytes = (n: number) => (n / 2 ** 30).toFixed(2);
    const refuse = (why: string) => {
      throw new BackendError(
        `native: no room for ${gibibytes(bytes)} GiB more; ${gibibytes(this.#blocks.extent)} GiB are taken and ${why}. ` +
          "Take a smaller batch, or free what is not used.",
      );
    };
    if (extent > this.limit) refuse(`the machine has ${gibibytes(this.limit)}`);
    if (extent <= this.#reached) return;
    // Linux gives addresses for more than there is, and ends the process when it is written to. Elsewhere what counts as
    // available leaves out what the system would make so.
    if (platform() === "linux") {
      const available = process.availableMemory();
      if (extent - this.#reached > available) refuse(`the system has ${gibibytes(available)} left`);
    }
    const reached = Math.ceil(extent / STRIDE) * STRIDE;
    // As far as a kernel that runs over may get: to watch all that is reserved would take memory itself.
    this.#watch(this.#reached, reached + STRIDE - this.#reached, true);
    this.#reached = reached;
  }
}
