/** The backend `blas`: the wasm engine, whose matrix products a library of the system does in the engine's own memory. */
import { BackendError } from "@normless/tensor";
import { type Gemm, type Product, wasm, type WasmBackend, type WasmOptions } from "@normless/tensor-wasm";
import koffi from "koffi";
import { availableParallelism } from "node:os";
import { type Library, loadLibrary } from "./library.js";

/** The engine's options, and which library does the products. */
export interface BlasOptions extends Omit<WasmOptions, "gemm"> {
  /** Name or path of a shared library with `cblas_sgemm`; default: the usual names on this system, in order. */
  readonly library?: string;
}

/**
 * Makes the engine. Fast where the library is; results may differ in their last bits from library to library and with
 * the number of threads, so `description` says which one it is.
 * @throws BackendError when there is no library, with what to install.
 */
export async function blas({ library, ...options }: BlasOptions = {}): Promise<WasmBackend> {
  const loaded = loadLibrary(library);
  loaded.setThreads?.(options.threads ?? availableParallelism());
  return wasm({ ...options, gemm: gemmOf(loaded) });
}

// cblas.h
const ROW_MAJOR = 101;
const PLAIN = 111;
const TRANSPOSED = 112;

function gemmOf({ sgemm, description }: Library): Gemm {
  return {
    name: "blas",
    description,
    attach(memory) {
      // A shared memory grows in place, so its address is good for ever.
      const base = koffi.address(new Uint8Array(memory));
      const at = (pointer: number) => base + BigInt(pointer);
      const product = ({ M, N, K, a, b, c, add }: Product) => {
        const [tA, tB] = [a.transposed ? TRANSPOSED : PLAIN, b.transposed ? TRANSPOSED : PLAIN];
        const [A, B, C] = [at(a.pointer), at(b.pointer), at(c.pointer)];
        sgemm(ROW_MAJOR, tA, tB, M, N, K, 1, A, a.stride, B, b.stride, add ? 1 : 0, C, c.stride);
      };
      check(product, memory, description);
      return product;
    },
  };
}

/** One small product on unused memory: a library whose integers are 64 bits wide would compute nonsense. */
function check(product: (task: Product) => void, memory: SharedArrayBuffer, description: string): void {
  const at = memory.byteLength - 1024;
  const values = new Float32Array(memory, at, 10);
  values.set([1, 2, 3, 4, 5, 6, 7, 8, 100, 200]);
  // [1,2]·[[5,6],[7,8]] + [100,200], with A, B and C one after the other; the 3 and 4 between belong to none.
  product({
    ...{ M: 1, N: 2, K: 2, add: true },
    a: { pointer: at, stride: 2 },
    b: { pointer: at + 16, stride: 2 },
    c: { pointer: at + 32, stride: 2 },
  });
  const right = values[8] === 100 + 1 * 5 + 2 * 7 && values[9] === 200 + 1 * 6 + 2 * 8;
  values.fill(0);
  if (!right) {
    throw new BackendError(
      `blas: ${description} computes a wrong product; it may be a build with 64-bit integers. Give another library.`,
    );
  }
}
