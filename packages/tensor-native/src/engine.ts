/** The threads of the library, and calls of its kernels. */
import { BackendError } from "@normless/tensor";
import { declare, type Library, type Prototype } from "./library.js";

const start = declare("engine *engine_start(int threads)");
const stop = declare("void engine_stop(engine *e)");
const outside = declare("int64_t first_outside(engine *e, const int32_t *values, int64_t n, int64_t limit)");
const copyIn = declare("int copy_in(float *to, const void *from, int64_t bytes)");
const microTurns = declare("int micro_turns(engine *e, void *flops, int64_t turns)");
const copyOut = declare("int copy_out(void *to, const float *from, int64_t bytes)");

/** What kernels of this backend compute with: they are called one after the other, and return when all is done. */
export class Engine {
  readonly #handle: number;
  constructor(
    readonly library: Library,
    readonly threads: number,
  ) {
    this.#handle = start.in(library)(threads);
    if (this.#handle === 0) {
      throw new BackendError(`native: the system does not start ${threads} threads; ask for fewer`);
    }
  }

  /** Calls a kernel, whose first argument is the engine. @throws BackendError when its scratch memory is not there */
  call(kernel: Prototype, ...args: (number | ArrayBufferView)[]): void {
    if (kernel.in(this.library)(this.#handle, ...args) === 0) return;
    throw new BackendError(
      `native: no memory for what ${kernel.name} needs beside its tensors. Take a smaller batch, or free what is not used.`,
    );
  }

  /** Of ids, which begins at `ids` in the engine's memory: where the first one is that is not from 0 to limit − 1, or −1. */
  firstOutside(ids: number, size: number, limit: number): number {
    return outside.in(this.library)(this.#handle, ids, size, limit);
  }

  /** From memory of JavaScript. */
  copyIn(to: number, from: ArrayBufferView, bytes: number): void {
    if (bytes > 0) copyIn.in(this.library)(to, from, bytes);
  }

  /** To memory of JavaScript. */
  copyOut(to: ArrayBufferView, from: number, bytes: number): void {
    if (bytes > 0) copyOut.in(this.library)(to, from, bytes);
  }

  /** Runs the micro-kernel `turns` times in each thread. How many floating-point operations that was. */
  microTurns(turns: number): number {
    const flops = new Float64Array(1);
    this.call(microTurns, flops, turns);
    return flops[0];
  }

  /** The int32 at an address. */
  intAt(pointer: number): number {
    const value = new Int32Array(1);
    this.copyOut(value, pointer, 4);
    return value[0];
  }

  /** Ends the threads. The engine is of no use afterwards. */
  stop(): void {
    stop.in(this.library)(this.#handle);
  }
}
