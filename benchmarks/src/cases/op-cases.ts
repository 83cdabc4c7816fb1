/** What a step of GPT-2 small does besides products, by name: 12 heads, 768 channels, and T positions. */
import type { Backend, Tensor } from "@normless/tensor";
import { random } from "@normless/tensor/testing";

const C = 768;
const heads = 12;
const INNER = 3072;
/** Of a parameter, for each position: at T = 1024 about a quarter of the token embedding, beyond any cache. */
const PARAMETER_ROWS = 12;

export interface StartedOp {
  /** The new tensors, which the caller frees. */
  readonly run: () => readonly Tensor[];
  /** What it was given; the caller frees it, too. An op in place changes some of it. */
  readonly operands: readonly Tensor[];
}

export interface OpCase {
  readonly about: (T: number) => string;
  /** Floating-point operations, or bytes read and written, of one run. */
  readonly work: (T: number) => number;
  readonly unit: "GFLOP/s" | "GB/s";
  readonly start: (backend: Backend, T: number) => StartedOp;
}

function upload(backend: Backend, shape: readonly number[], seed: number, center = 0): Tensor {
  return backend.upload(random(shape, seed, 1, center).data, shape);
}

/** Half of all pairs of positions count; the gradient does five products of that size, the forward pass two. */
const attentionFlops = (T: number, productsOfPairs: number) => productsOfPairs * 2 * C * ((T * (T + 1)) / 2);

export const opCases: Readonly<Record<string, OpCase>> = {
  attention: {
    about: (T) => `(1,${T},${C}), ${heads} heads`,
    work: (T) => attentionFlops(T, 2),
    unit: "GFLOP/s",
    start(backend, T) {
      const [q, k, v] = [1, 2, 3].map((seed) => upload(backend, [1, T, C], seed));
      return {
        run: () => Object.values(backend.run("attention", { q, k, v }, { heads })),
        operands: [q, k, v],
      };
    },
  },
  attentionGrad: {
    about: (T) => `(1,${T},${C}), ${heads} heads`,
    work: (T) => attentionFlops(T, 5),
    unit: "GFLOP/s",
    start(backend, T) {
      const [q, k, v, dy] = [1, 2, 3, 4].map((seed) => upload(backend, [1, T, C], seed));
      const { y, lse } = backend.run("attention", { q, k, v }, { heads });
      const inputs = { dy, q, k, v, y, lse };
      return {
        run: () => Object.values(backend.run("attentionGrad", inputs, { heads })),
        operands: Object.values(inputs),
      };
    },
  },
  layerNorm: {
    about: (T) => `(1,${T},${C})`,
    work: (T) => 8 * T * C,
    unit: "GB/s",
    start(backend, T) {
      const inputs = {
        x: upload(backend, [1, T, C], 1),
        gamma: upload(backend, [C], 2, 1),
        beta: upload(backend, [C], 3),
      };
      return {
        run: () => Object.values(backend.run("layerNorm", inputs, { eps: 1e-5 })),
        operands: Object.values(inputs),
      };
    },
  },
  gelu: {
    about: (T) => `(1,${T},${INNER})`,
    work: (T) => 8 * T * INNER,
    unit: "GB/s",
    start(backend, T) {
      const x = upload(backend, [1, T, INNER], 1);
      return {
        run: () => Object.values(backend.run("gelu", { x }, { approximate: "tanh" })),
        operands: [x],
      };
    },
  },
  adamw: {
    about: (T) => `(${T * PARAMETER_ROWS},${C})`,
    work: (T) => 28 * T * PARAMETER_ROWS * C,
    unit: "GB/s",
    start(backend, T) {
      const shape = [T * PARAMETER_ROWS, C];
      const [param, grad, m] = [1, 2, 3].map((seed) => upload(backend, shape, seed));
      const v = upload(backend, shape, 4, 1);
      const normSquared = backend.upload(Float32Array.of(4), []);
      const inputs = { param, grad, m, v, normSquared };
      const rates = { learningRate: 3e-4, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1 };
      return {
        run: () => Object.values(backend.run("adamw", inputs, { ...rates, step: 1, maxNorm: 1 })),
        operands: Object.values(inputs),
      };
    },
  },
};
