/** Cases of what goes value by value or pair by pair: every operator, every way to broadcast, and the values that are special. */
import type { DType } from "../../dtype.js";
import { type BinaryOp, binaryOperators } from "../../kernels/binary.js";
import { type UnaryOp, unaryOperators } from "../../kernels/unary.js";
import type { Shape } from "../../shape.js";
import { bools, int32, integers, random, type Value, values } from "../values.js";
import { type CasesOf, label } from "./case.js";

const keys = <K extends string>(table: Readonly<Record<K, unknown>>) => Object.keys(table) as K[];

/** Where an operator is to be tried: the middle and half the width of an interval. Elsewhere all of ±4. */
const WITHIN: { readonly [K in UnaryOp]?: readonly [center: number, scale: number] } = {
  log: [10, 9.9],
  log1p: [3, 3.9],
  sqrt: [10, 10],
  rsqrt: [10, 9.9],
  reciprocal: [2, 1.5],
  exp: [0, 20],
  sin: [0, 40],
  cos: [0, 40],
  tanh: [0, 9],
  sigmoid: [0, 20],
  softplus: [0, 30],
  silu: [0, 20],
};
/** Values near 0, where what is lost by cancelling shows: relative to the largest of them. */
const SMALL: readonly UnaryOp[] = ["expm1", "log1p", "tanh", "erf", "sin", "sigmoid", "softplus"];
/** Halves, to be rounded to even; signed zeros; both ends of exp. */
const EDGES = values([-2.5, -1.5, -1, -0.5, -0.25, 0, 0.25, 0.5, 1, 1.5, 2.5, 3.5, 8_388_609, -8_388_609]);
const OUTSIDE: readonly UnaryOp[] = [
  "neg",
  "abs",
  "sign",
  "relu",
  "floor",
  "ceil",
  "round",
  "isNaN",
  "isFinite",
];
const SPECIAL = values([NaN, Infinity, -Infinity, 1, -1]);

const SIZES: Shape[] = [[], [1], [5, 7], [33, 129]];

function ofKind(dtype: DType, shape: Shape, seed: number, scale = 4, center = 0): Value {
  if (dtype === "float32") return random(shape, seed, scale, center);
  if (dtype === "bool") return bools(shape, seed);
  const { data } = integers(shape, seed, 201);
  return int32(
    [...data].map((value) => value - 100),
    shape,
  );
}

const unaryCases = keys(unaryOperators).flatMap((op) => {
  const [center, scale] = WITHIN[op] ?? [0, 4];
  const takes: readonly DType[] = unaryOperators[op].takes;
  const of = (name: string, x: Value) => ({ name: `${op} ${name}`, inputs: { x }, attributes: { op } });
  return [
    ...takes.flatMap((dtype) =>
      SIZES.map((shape) =>
        of(`${dtype} ${label(...shape) || "scalar"}`, ofKind(dtype, shape, 1, scale, center)),
      ),
    ),
    ...(SMALL.includes(op)
      ? [of("near 0", random([77], 2, 1e-3)), of("next to 0", random([9], 3, 1e-7))]
      : []),
    ...(OUTSIDE.includes(op) ? [of("edges", EDGES), of("special", SPECIAL)] : []),
    ...(["exp", "log", "sqrt", "tanh", "sigmoid"].includes(op) ? [of("special", SPECIAL)] : []),
    ...(op === "exp" ? [of("far out", values([-200, -100, -88, 0, 88]))] : []),
    ...(op === "sigmoid" || op === "tanh" || op === "erf" || op === "softplus"
      ? [of("far out", values([-1e30, -200, -90, 90, 200, 1e4]))]
      : []),
  ];
});

/** Shapes that broadcast: equal, with a scalar, along rows and columns, both ways at once, of unequal rank. */
const PAIRS: readonly (readonly [Shape, Shape])[] = [
  [[], []],
  [
    [5, 7],
    [5, 7],
  ],
  [
    [33, 129],
    [33, 129],
  ],
  [[33, 129], []],
  [[], [33, 129]],
  [[33, 129], [129]],
  [[129], [33, 129]],
  [
    [33, 129],
    [33, 1],
  ],
  [
    [33, 1],
    [33, 129],
  ],
  [
    [33, 1],
    [1, 129],
  ],
  [
    [3, 1, 5],
    [4, 1],
  ],
  [
    [2, 3, 4, 5],
    [3, 1, 5],
  ],
  [
    [2, 1, 4, 1],
    [3, 1, 5],
  ],
  [
    [1, 6],
    [6, 1],
  ],
];

/** Divisors and bases away from 0. */
const nonZero = (x: Value): Value => ({
  shape: x.shape,
  data: Float32Array.from(x.data, (v) => (Math.abs(v) < 0.5 ? v + Math.sign(v || 1) * 0.5 : v)),
});

function operands(op: BinaryOp, dtype: DType, a: Shape, b: Shape) {
  const [left, right] = [ofKind(dtype, a, 1), ofKind(dtype, b, 2)];
  if (op === "div") return { a: left, b: nonZero(right) };
  if (op === "pow") return { a: random(a, 1, 2, 2.5), b: right };
  return { a: left, b: right };
}

const ODD = values([NaN, Infinity, -Infinity, 0, 1, -1]);
const binaryCases = keys(binaryOperators).flatMap((op) => {
  const takes: readonly DType[] = binaryOperators[op].takes;
  const small = (a: Shape, b: Shape) => takes.length === 1 || a.length + b.length < 7;
  return [
    ...takes.flatMap((dtype) =>
      PAIRS.filter(([a, b]) => dtype === "float32" || small(a, b)).map(([a, b]) => ({
        name: `${op} ${dtype} [${label(...a)}] [${label(...b)}]`,
        inputs: operands(op, dtype, a, b),
        attributes: { op },
      })),
    ),
    ...(["maximum", "minimum", "eq", "ne", "lt", "le", "gt", "ge"].includes(op)
      ? [
          {
            name: `${op} special`,
            inputs: { a: values([...ODD.data], [6, 1]), b: values([...ODD.data], [1, 6]) },
            attributes: { op },
          },
        ]
      : []),
    ...(op === "pow"
      ? [
          {
            name: "pow of whole exponents",
            inputs: { a: values([-3, -2, -1, 0, 0, 1, 2, 5]), b: values([3, 2, -1, 0, 2, 9, -2, 0]) },
            attributes: { op },
          },
          {
            name: "pow special",
            inputs: {
              a: values([...ODD.data, 0.5, -2.5], [8, 1]),
              b: values([...ODD.data, -3, 2.5], [1, 8]),
            },
            attributes: { op },
          },
        ]
      : []),
  ];
});

const THREE: readonly (readonly [Shape, Shape, Shape])[] = [
  [[], [], []],
  [
    [33, 129],
    [33, 129],
    [33, 129],
  ],
  [[33, 129], [33, 129], []],
  [[129], [33, 129], []],
  [[33, 1], [129], [33, 129]],
  [[2, 1, 4], [3, 1], [1]],
];

/** Cases by kernel: see the head of this file. */
export const pointwiseCases: CasesOf<"unary" | "clamp" | "cast" | "binary" | "where"> = {
  unary: unaryCases,
  clamp: [
    ...SIZES.map((shape) => ({
      name: label(...shape) || "scalar",
      inputs: { x: random(shape, 1, 4) },
      attributes: { min: -1.25, max: 2.5 },
    })),
    { name: "int32", inputs: { x: ofKind("int32", [5, 7], 1) }, attributes: { min: -20, max: 30 } },
    { name: "only from below", inputs: { x: random([9], 1, 4) }, attributes: { min: 0, max: Infinity } },
    { name: "crossed", inputs: { x: random([9], 1, 4) }, attributes: { min: 1, max: -1 } },
    { name: "special", inputs: { x: SPECIAL }, attributes: { min: -5, max: 5 } },
  ],
  cast: (["float32", "int32", "bool"] as const).flatMap((from) =>
    (["float32", "int32", "bool"] as const).flatMap((to) => [
      ...SIZES.map((shape) => ({
        name: `${from} to ${to} ${label(...shape) || "scalar"}`,
        inputs: { x: ofKind(from, shape, 1) },
        attributes: { to },
      })),
      ...(from === "float32"
        ? [
            {
              name: `float32 to ${to}, between whole numbers`,
              inputs: { x: values([-2.9, -0.4, -0, 0, 0.4, 2.9]) },
              attributes: { to },
            },
          ]
        : []),
    ]),
  ),
  binary: binaryCases,
  where: THREE.flatMap(([c, a, b]) =>
    (["float32", "int32", "bool"] as const).map((dtype) => ({
      name: `${dtype} [${label(...c)}] [${label(...a)}] [${label(...b)}]`,
      inputs: { condition: bools(c, 3), a: ofKind(dtype, a, 1), b: ofKind(dtype, b, 2) },
      attributes: {},
    })),
  ),
};
