/** Cases of copies in steps, of values by their places, and of what is made of nothing. */
import type { DType } from "../../dtype.js";
import type { Shape } from "../../shape.js";
import { bools, integers, random, type Value } from "../values.js";
import { type CasesOf, label } from "./case.js";

const KINDS = ["float32", "int32", "bool"] as const;

function ofKind(dtype: DType, shape: Shape, seed: number): Value {
  if (dtype === "float32") return random(shape, seed);
  return dtype === "bool" ? bools(shape, seed) : integers(shape, seed, 1000);
}

interface Walk {
  readonly name: string;
  readonly from: Shape;
  readonly shape: Shape;
  readonly strides: readonly number[];
  readonly offset: number;
}

/** Each goes to one place a value, so that it can be walked in both directions. */
const WALKS: readonly Walk[] = [
  { name: "all", from: [33, 129], shape: [33, 129], strides: [129, 1], offset: 0 },
  { name: "a scalar", from: [7], shape: [], strides: [], offset: 3 },
  { name: "transposed", from: [33, 129], shape: [129, 33], strides: [1, 129], offset: 0 },
  { name: "transposed, large", from: [70, 90], shape: [90, 70], strides: [1, 90], offset: 0 },
  { name: "permuted", from: [3, 4, 5], shape: [5, 3, 4], strides: [1, 20, 5], offset: 0 },
  { name: "permuted, four", from: [2, 3, 4, 5], shape: [2, 4, 3, 5], strides: [60, 5, 20, 1], offset: 0 },
  {
    name: "five dimensions",
    from: [2, 3, 2, 3, 2],
    shape: [2, 3, 2, 3, 2],
    strides: [1, 2, 6, 12, 36],
    offset: 0,
  },
  { name: "a block", from: [9, 11], shape: [3, 5], strides: [11, 1], offset: 24 },
  { name: "every third", from: [100], shape: [33], strides: [3], offset: 1 },
  { name: "backwards", from: [5, 7], shape: [5, 7], strides: [-7, -1], offset: 34 },
  { name: "rows backwards", from: [5, 7], shape: [5, 7], strides: [-7, 1], offset: 28 },
];
const REPEATED: readonly Walk[] = [
  { name: "one value", from: [], shape: [33, 129], strides: [0, 0], offset: 0 },
  { name: "a row", from: [129], shape: [33, 129], strides: [0, 1], offset: 0 },
  { name: "a column", from: [33], shape: [33, 129], strides: [1, 0], offset: 0 },
  { name: "windows", from: [12], shape: [10, 3], strides: [1, 1], offset: 0 },
];

const SELECTED: readonly (readonly [O: number, N: number, I: number, M: number])[] = [
  [1, 1, 1, 1],
  [1, 7, 5, 12],
  [3, 7, 1, 5],
  [4, 9, 33, 20],
  [1, 50, 128, 70],
  [1, 7, 2, 3000],
];
const name = (sizes: readonly number[]) => label(...sizes);

/** Cases by kernel: see the head of this file. */
export const placeCases: CasesOf<
  "strided" | "assign" | "full" | "range" | "indexSelect" | "indexAdd" | "gather" | "scatterAdd"
> = {
  strided: [...WALKS, ...REPEATED].flatMap(({ name, from, ...attributes }) =>
    KINDS.map((dtype) => ({
      name: `${dtype}, ${name}`,
      inputs: { x: ofKind(dtype, from, 1) },
      attributes,
    })),
  ),
  assign: WALKS.flatMap(({ name, from, shape, strides, offset }) =>
    KINDS.map((dtype) => ({
      name: `${dtype}, ${name}`,
      inputs: { y: ofKind(dtype, from, 1), x: ofKind(dtype, shape, 2) },
      attributes: { strides, offset },
    })),
  ),
  full: [[], [5], [33, 129]].flatMap((shape) =>
    KINDS.map((dtype) => ({
      name: `${dtype} ${label(...shape) || "scalar"}`,
      inputs: {},
      attributes: { shape, dtype, value: dtype === "float32" ? -1.5 : 1 },
    })),
  ),
  range: [
    { name: "from 0", inputs: {}, attributes: { size: 33, start: 0, step: 1, dtype: "int32" } },
    { name: "backwards", inputs: {}, attributes: { size: 7, start: 3, step: -2, dtype: "int32" } },
    { name: "between", inputs: {}, attributes: { size: 129, start: -1, step: 0.25, dtype: "float32" } },
  ],
  indexSelect: SELECTED.flatMap(([O, N, I, M]) =>
    KINDS.map((dtype) => ({
      name: `${dtype} ${name([O, N, I])} by ${M}`,
      inputs: { x: ofKind(dtype, [O, N, I], 1), index: integers([M], 2, N) },
      attributes: {},
    })),
  ),
  indexAdd: SELECTED.flatMap(([O, N, I, M]) =>
    (["float32", "int32"] as const).map((dtype) => ({
      name: `${dtype} ${name([O, M, I])} to ${N}`,
      inputs: { x: ofKind(dtype, [O, M, I], 1), index: integers([M], 2, N) },
      attributes: { N },
    })),
  ),
  gather: SELECTED.flatMap(([O, N, I, M]) =>
    KINDS.map((dtype) => ({
      name: `${dtype} ${name([O, N, I])} by ${M}`,
      inputs: { x: ofKind(dtype, [O, N, I], 1), index: integers([O, M, I], 2, N) },
      attributes: {},
    })),
  ),
  scatterAdd: SELECTED.flatMap(([O, N, I, M]) =>
    (["float32", "int32"] as const).map((dtype) => ({
      name: `${dtype} ${name([O, M, I])} to ${N}`,
      inputs: { x: ofKind(dtype, [O, M, I], 1), index: integers([O, M, I], 2, N) },
      attributes: { N },
    })),
  ),
};
