/** Reductions along one dimension: one `reduction`, or one after the other. */
import type { ReduceOp } from "../../../kernels/reduce.js";
import type { Build } from "../../program.js";
import { type Reduction, reduction } from "../fold.js";
import { BOTH_ORDERS, ORDER, TESTS } from "../source/order.js";

type Stage = Omit<Reduction, "output"> & { readonly output?: string };

const X = { reads: { x: "x" }, value: "x[at]" };
const ADDED = { ...X, join: "all + v" };
/** The largest of a row, NaN if there is any. */
export const LARGEST = {
  ...X,
  key: "largest",
  join: "select(all, v, order(v) > order(all))",
  helpers: ORDER,
};
const LEAST = { ...X, key: "least", join: "select(all, v, down(v) > down(all))", helpers: BOTH_ORDERS };

/** Stages that make buffers of (O,I) by name, the last one of them y. Later ones read what earlier ones made. */
const REDUCE: Readonly<Record<ReduceOp, (N: number, correction: number) => readonly Stage[]>> = {
  sum: () => [{ ...ADDED, key: "sum" }],
  mean: (N) => [{ ...ADDED, key: "mean", finish: "all / u.divisor", uniforms: { divisor: N } }],
  prod: () => [{ ...X, key: "product", join: "all * v" }],
  max: () => [LARGEST],
  min: () => [LEAST],
  any: () => [LARGEST],
  all: () => [LEAST],
  // Distances from the first value, then from their mean: a large mean costs no digits.
  variance: (N, correction) => [
    {
      ...{ ...ADDED, key: "distance from the first", value: "x[at] - x[first]" },
      ...{ output: "distance", finish: "all / u.divisor", uniforms: { divisor: N } },
    },
    {
      ...{ ...ADDED, key: "variance", value: "square(x[at] - x[first] - distance[row])" },
      reads: { x: "x", distance: "distance" },
      helpers: "fn square(v: f32) -> f32 { return v * v; }",
      ...{ finish: "all / u.divisor", uniforms: { divisor: Math.max(N - correction, 0) } },
    },
  ],
  // An infinite value is the sum's logarithm, whatever the others are.
  logSumExp: () => [
    { ...LARGEST, output: "most" },
    {
      ...{ ...ADDED, key: "logSumExp", value: "exp(x[at] - most[row])" },
      ...{ reads: { x: "x", most: "most" }, helpers: TESTS },
      finish: "select(most[row], most[row] + log(all), is_finite(most[row]))",
    },
  ],
};

export const reduce: Build<"reduce"> = ({ x }, { op, correction = 0 }, { y }) => {
  const [O, N, I] = x.shape;
  const stages = REDUCE[op](N, correction);
  const between: Record<string, number> = {};
  const made = stages.map(({ output = "y", ...stage }) => {
    if (output !== "y") between[output] = O * I;
    return reduction({ ...stage, output, add: output === "y" && y.add }, x.shape);
  });
  return {
    adds: ["y"],
    temporaries: Object.assign(between, ...made.map(({ temporaries }) => temporaries)) as typeof between,
    passes: made.flatMap(({ passes }) => passes),
  };
};

/** Pairs of an order and a place: the first of the largest. */
export const argReduce: Build<"argReduce"> = ({ x }, { op }, { y }) => ({
  adds: ["y"],
  ...reduction(
    {
      key: op,
      reads: { x: "x" },
      value: `vec2u(${op === "argmax" ? "order" : "down"}(x[at]), n)`,
      type: "vec2u",
      join: "select(all, v, v.x > all.x || (v.x == all.x && v.y < all.y))",
      helpers: BOTH_ORDERS,
      ...{ output: "y", finish: "f32(all.y)", add: y.add },
    },
    x.shape,
  ),
});
