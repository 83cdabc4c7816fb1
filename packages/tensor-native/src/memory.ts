/** The engine's memory: addresses are reserved once, and pages come when they are first written. Never moved. */
import { BackendError, Blocks } from "@normless/tensor";
import { totalmem } from "node:os";
import { declare, type Library } from "./library.js";

const reserve = declare("int64_t reserve(int64_t bytes)");
const giveBack = declare("int unreserve(float *base, int64_t bytes)");
const allow = declare("int allow(float *at, int64_t bytes, int allowed)");

/** Kernels may read (never write) a few floats past a tensor's end. */
const SLACK = 4096;

/** The memory that tensors are in, and which of it is free. One a backend. */
export class Heap {
  readonly #blocks = new Blocks();
  readonly #library: Library;
  readonly #base: number;
  readonly #reserved: number;
  /** The most bytes that tensors can take together: all of the machine's. */
  readonly limit = totalmem();

  /** @throws BackendError when the system does not give so many addresses */
  constructor(library: Library) {
    this.#library = library;
    // Twice, for gaps.
    this.#reserved = 2 * this.limit + SLACK;
    this.#base = reserve.in(library)(this.#reserved);
    if (this.#base === 0) throw new BackendError("native: the system does not reserve memory for the engine");
  }

  /** The address of `bytes` and more, a multiple of 64. @throws BackendError when the machine's memory is full. */
  allocate(bytes: number): number {
    const begin = this.#blocks.allocate(bytes, (extent) => this.#reach(extent, bytes));
    if (this.#library.build.sanitized) allow.in(this.#library)(this.#base + begin, Blocks.sizeFor(bytes), 1);
    return this.#base + begin;
  }

  /** Takes back what `allocate(bytes)` gave. */
  release(pointer: number, bytes: number): void {
    if (this.#library.build.sanitized) allow.in(this.#library)(pointer, Blocks.sizeFor(bytes), 0);
    this.#blocks.release(pointer - this.#base, bytes);
  }

  /** Gives all of it back. */
  end(): void {
    giveBack.in(this.#library)(this.#base, this.#reserved);
  }

  #reach(extent: number, bytes: number): void {
    if (extent <= this.limit) return;
    const gibibytes = (n: number) => (n / 2 ** 30).toFixed(2);
    throw new BackendError(
      `native: no room for ${gibibytes(bytes)} GiB more; ${gibibytes(this.#blocks.extent)} GiB are taken and the ` +
        `machine has ${gibibytes(this.limit)}. Take a smaller batch, or free what is not used.`,
    );
  }
}
