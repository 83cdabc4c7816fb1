/** What is fast on which adapter: the choices that kernels leave open. None changes what is computed, but for rounding. */
import { type ProductTuning, productTuning } from "./product/variant.js";

/** The choices, for all kernels of a backend. */
export interface Tuning {
  readonly products: ProductTuning;
  /** Threads of the workgroup that a row of a norm or of the head has. */
  readonly rowThreads: 4 | 64;
  /** Threads that hand sums to each other in registers, by subgroups of so many at least; 0 where memory does it. The same bits. */
  readonly lanes: number;
  /** Sorts exchange values within a workgroup's memory where they can. The same order. */
  readonly sharedSort: boolean;
  /** Products read weights as float16. Only ever asked for. */
  readonly f16: boolean;
}

/** Without measuring: what is fast on most GPUs. */
export const gpuTuning: Tuning = {
  products: productTuning(({ size }) => ({
    scheme: "tiled",
    blocks: size === "large" ? 2 : 1,
    split: size === "deep",
  })),
  rowThreads: 64,
  lanes: 0,
  sharedSort: true,
  f16: false,
};
/**
 * And on a CPU that stands for a GPU: there workgroup memory gains nothing, and threads beyond a vector's four are run one
 * after the other from barrier to barrier.
 */
export const cpuTuning: Tuning = {
  products: productTuning(({ size }) => ({
    scheme: "direct",
    blocks: size === "large" ? 2 : 1,
    split: false,
  })),
  rowThreads: 4,
  lanes: 0,
  sharedSort: false,
  f16: false,
};
