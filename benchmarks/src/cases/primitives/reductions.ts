/** Reductions over the last dimension, the first, and all. */
import {
  all,
  any,
  argmax,
  argmin,
  logSumExp,
  max,
  mean,
  min,
  prod,
  std,
  sum,
  variance,
} from "@normless/autograd";
import type { Tensor } from "@normless/tensor";
import { bools } from "@normless/tensor/testing";
import { type Handle, named } from "../../peers/op-peer.js";
import { type Calls, numpy, peersOf, type Primitive, square2, SUM_OF_ALL, x } from "./primitive.js";

/** Over the last dimension, the first, and all of them: the dimension, and how a case is called. */
const reducedDims = [
  [1, "last"],
  [0, "first"],
  [undefined, "all"],
] as const;

type Reduce = (x: Tensor, dim?: number) => Tensor;
type CallsOver = (dim: number | undefined) => Calls;

function overDims(name: string, ours: Reduce, calls: CallsOver, operand = x): Primitive[] {
  return reducedDims.map(([dim, over]) => ({
    name: `${name} ${over}`,
    operands: (s) => [operand(s)],
    ours: ([x]) => ours(x, dim),
    ...(dim === undefined && { tolerance: SUM_OF_ALL }),
    peers: peersOf(calls(dim)),
  }));
}

/** Both peers' function of that name, of a dimension or, without one, of all. */
const both =
  (tfjs: string, jax = tfjs): CallsOver =>
  (dim) => [named(tfjs, dim), numpy(jax, dim)];

/** tfjs knows the place along a dimension alone, so that a place among all is one in a single row. */
const placed =
  (tfjs: string, jax: string): CallsOver =>
  (dim) => [
    dim === undefined
      ? { call: (tf, [x]) => tf(tfjs)(tf("reshape")(x, [-1]), 0) }
      : { call: (tf, [x]) => tf(tfjs)(x, dim) },
    numpy(jax, dim),
  ];

const halfTrue = (s: number) => bools([s, s], 1);
/** So close to 1 that a product of all is a number that float32 has. */
const near1 = square2(1, 1e-3, 1);

export const reductions: readonly Primitive[] = [
  ...overDims("sum", sum, both("sum"), square2(1, 1, 0.5)),
  ...overDims("mean", mean, both("mean"), square2(1, 1, 0.5)),
  ...overDims("prod", prod, both("prod"), near1),
  ...overDims("max", max, both("max")),
  ...overDims("min", min, both("min")),
  ...overDims("any", any, both("any"), halfTrue),
  ...overDims("all", all, both("all"), halfTrue),
  ...overDims("argmax", argmax, placed("argMax", "argmax")),
  ...overDims("argmin", argmin, placed("argMin", "argmin")),
  ...overDims(
    "variance",
    (x, dim) => variance(x, dim, { correction: 0 }),
    (dim) => [
      {
        call: (tf, [x]) => (tf("moments")(x, dim) as { readonly variance: Handle }).variance,
      },
      numpy("var_", dim),
    ],
  ),
  ...overDims(
    "std",
    (x, dim) => std(x, dim, { correction: 0 }),
    (dim) => [undefined, numpy("std", dim)],
  ),
  ...overDims("logSumExp", logSumExp, (dim) => [named("logSumExp", dim), named("nn.logsumexp", dim)]),
];
