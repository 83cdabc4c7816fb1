/** Functions of two values, pair by pair, and `where`. */
import {
  add,
  div,
  eq,
  ge,
  gt,
  le,
  logicalAnd,
  logicalOr,
  lt,
  maximum,
  minimum,
  mul,
  ne,
  pow,
  sub,
  transpose,
  where,
} from "@normless/autograd";
import type { Tensor } from "@normless/tensor";
import { bools, integers } from "@normless/tensor/testing";
import { named } from "../../peers/op-peer.js";
import {
  above0,
  type Calls,
  numpy,
  one,
  peersOf,
  type Primitive,
  random,
  square2,
  two,
  x,
} from "./primitive.js";

/** A few values, so that many are equal. */
const few = (seed: number) => (s: number) => {
  const { shape, data } = integers([s, s], seed, 4);
  return { shape, data: Float32Array.from(data) };
};
const compared = [few(1), few(2)] as const;
const truths = [(s: number) => bools([s, s], 1), (s: number) => bools([s, s], 2)] as const;
const added: Calls = [named("add"), numpy("add")];

export const pairs: readonly Primitive[] = [
  two("add", add, added),
  two("add row", add, added, [x, (s) => random([s], 2)]),
  two("add column", add, added, [x, (s) => random([s, 1], 2)]),
  one("add number", (x) => add(x, 0.5), [named("add", 0.5), numpy("add", 0.5)]),
  two("add transposed", (a, b) => withView(transpose(b, 0, 1), (b) => add(a, b)), [
    { call: (tf, [a, b]) => tf("add")(a, tf("transpose")(b)) },
    { call: (jax, [a, b]) => jax("numpy.add")(a, jax("numpy.transpose")(b)) },
  ]),
  two("sub", sub, [named("sub"), numpy("subtract")]),
  two("mul", mul, [named("mul"), numpy("multiply")]),
  two("div", div, [named("div"), numpy("divide")], [x, above0]),
  two("pow", pow, [named("pow"), numpy("power")], [above0, square2(2, 2)]),
  two("maximum", maximum, [named("maximum"), numpy("maximum")]),
  two("minimum", minimum, [named("minimum"), numpy("minimum")]),
  two("eq", eq, [named("equal"), numpy("equal")], compared),
  two("ne", ne, [named("notEqual"), numpy("notEqual")], compared),
  two("lt", lt, [named("less"), numpy("less")], compared),
  two("le", le, [named("lessEqual"), numpy("lessEqual")], compared),
  two("gt", gt, [named("greater"), numpy("greater")], compared),
  two("ge", ge, [named("greaterEqual"), numpy("greaterEqual")], compared),
  two("logicalAnd", logicalAnd, [named("logicalAnd"), numpy("logicalAnd")], truths),
  two("logicalOr", logicalOr, [named("logicalOr"), numpy("logicalOr")], truths),
  {
    name: "where",
    operands: (s) => [bools([s, s], 1), random([s, s], 2), random([s, s], 3)],
    ours: ([condition, a, b]) => where(condition, a, b),
    peers: peersOf([named("where"), numpy("where")]),
  },
];

/** What `use` makes of a tensor, which goes then. */
function withView(x: Tensor, use: (x: Tensor) => Tensor): Tensor {
  const y = use(x);
  x.free();
  return y;
}
