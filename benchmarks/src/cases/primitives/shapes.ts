/** Values in other places: shapes, parts, and what goes by indices. */
import {
  concat,
  expand,
  flip,
  gather,
  indexSelect,
  oneHot,
  pad,
  permute,
  reshape,
  roll,
  scatterAdd,
  slice,
  split,
  stack,
  transpose,
  tril,
  triu,
} from "@normless/autograd";
import { integers } from "@normless/tensor/testing";
import { type Handle, named } from "../../peers/op-peer.js";
import { type Calls, numpy, one, peersOf, type Primitive, random, two, x } from "./primitive.js";

const half = (s: number) => s / 2;
const ids = (seed: number) => (s: number) => integers([s], seed, s);

export const shapes: readonly Primitive[] = [
  {
    name: "reshape",
    operands: (s) => [x(s)],
    ours: ([x]) => reshape(x, [-1]),
    peers: peersOf([named("reshape", [-1]), { ...numpy("reshape", [-1]), eager: true }]),
  },
  one("transpose", (x) => transpose(x, 0, 1), [named("transpose"), numpy("transpose")]),
  one(
    "permute",
    (x) => permute(x, [1, 0, 2]),
    [named("transpose", [1, 0, 2]), numpy("transpose", [1, 0, 2])],
    (s) => random([s, 8, s / 8], 1),
  ),
  {
    name: "expand row",
    operands: (s) => [random([s], 1)],
    ours: ([x]) => expand(x, [x.size, x.size]),
    peers: peersOf([
      { call: (tf, [x]) => tf("broadcastTo")(x, squareOf(x)) },
      { call: (jax, [x]) => jax("numpy.broadcastTo")(x, squareOf(x)) },
    ]),
  },
  one("slice rows", (x) => slice(x, 0, { end: half(x.shape[0]) }), [
    { call: (tf, [x]) => tf("slice")(x, [0, 0], [half(sizesOf(x)[0]), -1]) },
    { call: (_, [x]) => sliceOf(x, [0, half(sizesOf(x)[0])], []) },
  ]),
  one("slice columns", (x) => slice(x, 1, { end: half(x.shape[1]) }), [
    { call: (tf, [x]) => tf("slice")(x, [0, 0], [-1, half(sizesOf(x)[1])]) },
    { call: (_, [x]) => sliceOf(x, [], [0, half(sizesOf(x)[1])]) },
  ]),
  one("slice step 2", (x) => slice(x, 1, { step: 2 }), [
    { call: (tf, [x]) => tf("stridedSlice")(x, [0, 0], [...sizesOf(x)], [1, 2]) },
    undefined,
  ]),
  two("concat rows", (a, b) => concat([a, b], 0), joined("concat", "concatenate", 0)),
  two("concat columns", (a, b) => concat([a, b], 1), joined("concat", "concatenate", 1)),
  two("stack", (a, b) => stack([a, b], 0), joined("stack", "stack", 0)),
  {
    ...one("split", (x) => x, [named("split", 2, 1), numpy("split", 2, 1)]),
    ours: ([x]) => split(x, half(x.shape[1]), 1),
  },
  one("flip first", (x) => flip(x, 0), [named("reverse", 0), numpy("flip", 0)]),
  one("flip last", (x) => flip(x, 1), [named("reverse", 1), numpy("flip", 1)]),
  one("roll", (x) => roll(x, 5, 1), [undefined, numpy("roll", 5, 1)]),
  one("pad", (x) => pad(x, [1, 1, 1, 1]), [
    named("pad", [
      [1, 1],
      [1, 1],
    ]),
    numpy("pad", 1),
  ]),
  one("tril", (x) => tril(x), [named("linalg.bandPart", -1, 0), numpy("tril")]),
  one("triu", (x) => triu(x), [named("linalg.bandPart", 0, -1), numpy("triu")]),
  {
    name: "oneHot",
    operands: (s) => [ids(1)(s)],
    ours: ([ids]) => oneHot(ids, ids.size),
    peers: peersOf([
      { call: (tf, [ids]) => tf("oneHot")(ids, sizesOf(ids)[0]) },
      { call: (jax, [ids]) => jax("nn.oneHot")(ids, sizesOf(ids)[0]) },
    ]),
  },
  two(
    "indexSelect rows",
    (x, ids) => indexSelect(x, 0, ids),
    [named("gather", 0), numpy("take", 0)],
    [x, ids(2)],
  ),
  two(
    "indexSelect columns",
    (x, ids) => indexSelect(x, 1, ids),
    [named("gather", 1), numpy("take", 1)],
    [x, ids(2)],
  ),
  two(
    "gather last",
    (x, index) => gather(x, 1, index),
    [undefined, numpy("takeAlongAxis", 1)],
    [x, (s) => integers([s, s], 2, s)],
  ),
  {
    name: "scatterAdd",
    operands: (s) => [
      { shape: [s * s], data: new Float32Array(s * s) },
      integers([s * s], 1, s * s),
      random([s * s], 2),
    ],
    ours: ([zeros, index, source]) => scatterAdd(zeros, 0, { index, source }),
    peers: peersOf([
      {
        before: (tf, [zeros, index, source]) => [zeros, tf("reshape")(index, [-1, 1]), source],
        call: (tf, [zeros, index, source]) => tf("scatterND")(index, source, sizesOf(zeros)),
      },
      undefined,
    ]),
  },
];

const sizesOf = (x: Handle): readonly number[] => (x as { readonly shape: readonly number[] }).shape;
const squareOf = (x: Handle) => [sizesOf(x)[0], sizesOf(x)[0]];
/** Of jax-js, whose slices are a method. */
const sliceOf = (x: Handle, ...parts: readonly (readonly number[])[]): Handle =>
  (x as { slice(...parts: readonly (readonly number[])[]): Handle }).slice(...parts);

function joined(tfjs: string, jax: string, dim: number): Calls {
  return [
    { call: (tf, operands) => tf(tfjs)(operands, dim) },
    { call: (api, operands) => api(`numpy.${jax}`)(operands, dim) },
  ];
}
