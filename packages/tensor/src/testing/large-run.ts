/** What the cases of the conformance suite are too small for: work that an engine shares among its threads. */
import type { Backend, Tensor } from "../backend.js";
import { integers, random } from "./values.js";

/**
 * GPT-2's kernels on odd shapes, large enough for several blocks of each that is cut into any. The outputs are the caller's;
 * on another number of threads they have to be the same, and on another backend close.
 */
export function largeRun(backend: Backend): Tensor[] {
  const up = (shape: readonly number[], seed: number) => {
    const value = random(shape, seed);
    return backend.upload(value.data, value.shape);
  };
  const ints = (shape: readonly number[], seed: number, limit: number) =>
    backend.upload(integers(shape, seed, limit).data, shape);
  const [N, K, M] = [205, 277, 107];
  const x = up([N, K], 1);
  const w = up([K, M], 2);
  const bias = up([M], 3);
  const dy = up([N, M], 4);
  const dw = up([K, M], 5);
  const outputs: Tensor[] = [];
  const keep = (results: Readonly<Record<string, Tensor>>) => outputs.push(...Object.values(results));

  keep(backend.run("linear", { x, w, bias }, {}));
  keep(backend.run("linearGradInput", { dy, w }, {}));
  keep(backend.run("linearGradWeight", { x, dy }, {}, { dw }));
  keep(backend.run("linearGradBias", { dy }, {}));
  const gamma = up([K], 6);
  const norm = backend.run("layerNorm", { x, gamma, beta: gamma }, { eps: 1e-5 });
  keep(norm);
  keep(backend.run("layerNormGrad", { dy: x, x, gamma, mean: norm.mean, rstd: norm.rstd }, {}));
  const classes = ints([N], 7, 3);
  const std = { first: 3, eot: 2, rest: 0.7 };
  keep(backend.run("frozenNormGrad", { dy: x, x, gamma, classes }, { std }));
  keep(backend.run("geluGrad", { dy: x, x }, { approximate: "tanh" }));
  const [q, k, v, da] = [8, 9, 10, 11].map((seed) => up([2, 101, 44], seed));
  const heads = 4;
  const { y, lse } = backend.run("attention", { q, k, v }, { heads });
  keep({ y, lse });
  keep(backend.run("attentionGrad", { dy: da, q, k, v, y, lse }, { heads }));
  // More ids than are packed at once, and more rows than one chunk of the backward pass.
  const [rows, C, V] = [2020, 12, 8300];
  const h = up([rows, C], 12);
  const head = up([V, C], 13);
  const targets = ints([rows], 14, V);
  keep(backend.run("linearCrossEntropy", { x: h, w: head, targets }, {}));
  const dloss = up([rows], 15);
  keep(backend.run("linearCrossEntropyGrad", { dloss, x: h, w: head, targets }, {}));
  keep(backend.run("embeddingGrad", { dy: h, ids: targets }, { vocabulary: V }));
  keep(backend.run("sum", { x: head }, {}));
  const { total } = backend.run("sumSquares", { x: head }, {});
  const [param, m] = [up([V, C], 19), up([V, C], 20)];
  const square = backend.run("unary", { x: m }, { op: "square" }).y;
  const step = {
    learningRate: 1e-3,
    beta1: 0.9,
    beta2: 0.99,
    eps: 1e-8,
    weightDecay: 0.1,
    step: 2,
    maxNorm: 1,
  };
  backend.run("adamw", { param, grad: head, m, v: square, normSquared: total }, step);
  outputs.push(total, param, m, square);
  return outputs;
}
