/** Cases of what goes along one dimension, N of (O,N,I): rows, columns, both, one long row, equal values and NaN. */
import type { DType } from "../../dtype.js";
import { type ReduceOp, reduceOperators } from "../../kernels/reduce.js";
import type { Shape } from "../../shape.js";
import { bools, int32, integers, random, type Value, values } from "../values.js";
import { type CasesOf, forward, label } from "./case.js";

const SHAPES: Shape[] = [
  [1, 1, 1],
  [1, 35, 1],
  [5, 7, 1],
  [1, 7, 5],
  [3, 129, 4],
  [4, 3, 129],
  [33, 257, 1],
  [2, 5, 33],
];
const LONG: Shape = [1, 70_001, 1];
/** More than one piece of what runs in parallel, and more pieces than one adds up. */
const PIECES: Shape = [2, 9000, 1];
const NAMES = Object.keys(reduceOperators) as ReduceOp[];

function ofKind(op: string, dtype: DType, shape: Shape, seed: number): Value {
  if (dtype === "bool") return bools(shape, seed);
  if (dtype === "int32") {
    return int32(
      [...integers(shape, seed, 21).data].map((value) => value - 10),
      shape,
    );
  }
  // So that a product of hundreds stays within float32.
  return op === "prod" ? random(shape, seed, 0.2, 1) : random(shape, seed, 3, 0.5);
}

/** Every second value once more, so that there are ties. */
const tied = (shape: Shape, seed: number): Value => ({
  shape,
  data: Float32Array.from(random(shape, seed, 4).data, Math.round),
});
const withNaN = values([1, NaN, 3, -2, 5, 4, 7, 8, NaN, 0, 1, 2], [3, 4, 1]);
const infinite = values([-Infinity, -Infinity, 1, -Infinity, Infinity, 2], [3, 2, 1]);
/** Differences that only shows who subtracts a mean or a maximum first. */
const farOff = (shape: Shape) => random(shape, 5, 1, 1000);

const softmaxed = (x: Value, log: boolean) => forward("softmax", { x }, { log })("y");

/** Cases by kernel: see the head of this file. */
export const axisCases: CasesOf<"reduce" | "argReduce" | "cumsum" | "softmax" | "softmaxGrad" | "sort"> = {
  reduce: NAMES.flatMap((op) => {
    const takes: readonly DType[] = reduceOperators[op].takes;
    const of = (name: string, x: Value, attributes = {}) => ({
      name: `${op} ${name}`,
      inputs: { x },
      attributes: { op, ...attributes },
    });
    return [
      ...takes.flatMap((dtype) =>
        [...SHAPES, ...(op === "prod" ? [] : [LONG])].map((shape) =>
          of(`${dtype} ${label(...shape)}`, ofKind(op, dtype, shape, 1)),
        ),
      ),
      ...(op === "variance"
        ? [of("of a sample", random([3, 9, 2], 1), { correction: 1 }), of("far off", farOff([3, 129, 2]))]
        : []),
      ...(op === "logSumExp" ? [of("far off", farOff([3, 129, 2])), of("infinite", infinite)] : []),
      ...(op === "max" || op === "min" ? [of("of NaN", withNaN), of("infinite", infinite)] : []),
    ];
  }),
  argReduce: (["argmax", "argmin"] as const).flatMap((op) => [
    ...SHAPES.map((shape) => ({
      name: `${op} ${label(...shape)}`,
      inputs: { x: random(shape, 1) },
      attributes: { op },
    })),
    { name: `${op} of equals`, inputs: { x: tied([3, 35, 4], 2) }, attributes: { op } },
    { name: `${op} int32`, inputs: { x: ofKind(op, "int32", [3, 35, 4], 2) }, attributes: { op } },
    { name: `${op} of NaN`, inputs: { x: withNaN }, attributes: { op } },
  ]),
  cumsum: [...SHAPES, PIECES].flatMap((shape) =>
    [false, true].flatMap((reverse) =>
      (["float32", "int32"] as const).map((dtype) => ({
        name: `${dtype} ${label(...shape)}${reverse ? " from the end" : ""}`,
        inputs: { x: ofKind("cumsum", dtype, shape, 1) },
        attributes: { reverse },
      })),
    ),
  ),
  softmax: [false, true].flatMap((log) =>
    [
      ...SHAPES.map((shape) => random(shape, 1, 5)),
      farOff([3, 129, 2]),
      values([-Infinity, 0, 1, 2], [2, 2, 1]),
      infinite,
      withNaN,
    ].map((x, i) => ({
      name: `${log ? "log " : ""}${label(...x.shape)} #${i}`,
      inputs: { x },
      attributes: { log },
    })),
  ),
  softmaxGrad: [false, true].flatMap((log) =>
    [...SHAPES.map((shape) => random(shape, 1, 5)), infinite, withNaN].map((x, i) => ({
      name: `${log ? "log " : ""}${label(...x.shape)} #${i}`,
      inputs: { dy: random(x.shape, 2), y: softmaxed(x, log) },
      attributes: { log },
    })),
  ),
  sort: [false, true].flatMap((descending) => {
    const of = (name: string, x: Value) => ({
      name: `${name}${descending ? " descending" : ""}`,
      inputs: { x },
      attributes: { descending },
    });
    return [
      ...SHAPES.map((shape) => of(label(...shape), random(shape, 1))),
      of("equals", tied([3, 35, 4], 2)),
      ...[128, 129].map((N) => of(`${N} with equals`, tied([3, N, 1], N))),
      of("many equals", tied([2, 2100, 1], 3)),
      of("columns", random([1, 1500, 3], 4)),
      of("int32", ofKind("sort", "int32", [3, 35, 4], 2)),
      of("NaN", withNaN),
      of("infinite", infinite),
    ];
  }),
};
