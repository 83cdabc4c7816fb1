/**
 * The primitives that tfjs or jax-js has, too, by name: on matrices of s rows and columns, so that s² values go in or come out.
 * A case is its operands, the op in our words, and in those of each peer that has it.
 */
import {
  abs,
  add,
  all,
  any,
  argmax,
  argmin,
  cast,
  ceil,
  clamp,
  concat,
  conv1d,
  conv2d,
  cos,
  crossEntropy,
  cumsum,
  div,
  einsum,
  eq,
  erf,
  exp,
  expand,
  expm1,
  flip,
  floor,
  gather,
  ge,
  gelu,
  gt,
  indexSelect,
  isFinite,
  isNaN,
  layerNorm,
  le,
  log,
  log1p,
  logicalAnd,
  logicalNot,
  logicalOr,
  logSoftmax,
  logSumExp,
  lt,
  matmul,
  max,
  maximum,
  mean,
  min,
  minimum,
  mse,
  mul,
  ne,
  neg,
  oneHot,
  pad,
  permute,
  pow,
  prod,
  reciprocal,
  relu,
  reshape,
  roll,
  round,
  rsqrt,
  scaledDotProductAttention,
  scatterAdd,
  sigmoid,
  sign,
  silu,
  sin,
  slice,
  softmax,
  softplus,
  sort,
  split,
  sqrt,
  square,
  stack,
  std,
  sub,
  sum,
  tanh,
  topk,
  transpose,
  tril,
  triu,
  variance,
  where,
} from "@normless/autograd";
import { sizeOf, type Tensor } from "@normless/tensor";
import { bools, integers, uniform, type Value } from "@normless/tensor/testing";
import { type Handle, named, type OpPeerName, type PeerCall } from "../peers/op-peer.js";

export interface Primitive {
  readonly name: string;
  readonly operands: (s: number) => readonly Value[];
  /** The result, or several, of which the first is checked. */
  readonly ours: (operands: readonly Tensor[]) => Tensor | readonly Tensor[];
  /** How far float32 lets results be apart, where that is not what it is for all. */
  readonly tolerance?: number;
  readonly peers: Readonly<Partial<Record<OpPeerName, PeerCall>>>;
}

type Calls = readonly [tfjs: PeerCall | undefined, jax: PeerCall | undefined];

const peersOf = ([tfjs, jax]: Calls): Primitive["peers"] => ({
  ...(tfjs && { "tfjs-wasm": tfjs }),
  ...(jax && { "jax-js": jax }),
});

const numpy = (name: string, ...more: readonly unknown[]) => named(`numpy.${name}`, ...more);

/** Uniform in ±scale around a center. As `random` of tensor/testing, in a loop that makes millions in no time. */
function random(shape: readonly number[], seed: number, scale = 1, center = 0): Value {
  const next = uniform(seed);
  const data = new Float32Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = center + scale * (2 * next() - 1);
  return { shape, data };
}

/** (s,s) in ±scale around a center; each operand of a case has a seed of its own. */
const square2 =
  (seed: number, scale = 1, center = 0) =>
  (s: number) =>
    random([s, s], seed, scale, center);
const x = square2(1);
const above0 = square2(1, 0.9, 1);

function one(
  name: string,
  ours: (x: Tensor) => Tensor,
  calls: Calls,
  operand: (s: number) => Value = square2(1, 3),
): Primitive {
  return {
    name,
    operands: (s) => [operand(s)],
    ours: ([x]) => ours(x),
    peers: peersOf(calls),
  };
}

const pointwise: readonly Primitive[] = [
  one("neg", neg, [named("neg"), numpy("negative")]),
  one("abs", abs, [named("abs"), numpy("abs")]),
  one("sign", sign, [named("sign"), numpy("sign")]),
  one("square", square, [named("square"), numpy("square")]),
  one("relu", relu, [named("relu"), named("nn.relu")]),
  one("exp", exp, [named("exp"), numpy("exp")]),
  one("expm1", expm1, [named("expm1"), numpy("expm1")]),
  one("log", log, [named("log"), numpy("log")], above0),
  one("log1p", log1p, [named("log1p"), numpy("log1p")], above0),
  one("sqrt", sqrt, [named("sqrt"), numpy("sqrt")], above0),
  one("rsqrt", rsqrt, [named("rsqrt"), undefined], above0),
  one("reciprocal", reciprocal, [named("reciprocal"), numpy("reciprocal")], above0),
  one("sin", sin, [named("sin"), numpy("sin")]),
  one("cos", cos, [named("cos"), numpy("cos")]),
  one("tanh", tanh, [named("tanh"), numpy("tanh")]),
  one("sigmoid", sigmoid, [named("sigmoid"), named("nn.sigmoid")]),
  one("erf", erf, [named("erf"), named("lax.erf")]),
  one("silu", silu, [undefined, named("nn.silu")]),
  one("softplus", softplus, [named("softplus"), named("nn.softplus")]),
  one("gelu", (x) => gelu(x, "tanh"), [undefined, named("nn.gelu")]),
  one("floor", floor, [named("floor"), numpy("floor")]),
  one("ceil", ceil, [named("ceil"), numpy("ceil")]),
  one("round", round, [named("round"), numpy("rint")]),
  one("isNaN", isNaN, [named("isNaN"), numpy("isnan")]),
  one("isFinite", isFinite, [named("isFinite"), numpy("isfinite")]),
  one("clamp", (x) => clamp(x, { min: -1, max: 1 }), [named("clipByValue", -1, 1), numpy("clip", -1, 1)]),
  one("cast to int32", (x) => cast(x, "int32"), [named("cast", "int32"), numpy("astype", "int32")]),
  one("logicalNot", logicalNot, [named("logicalNot"), numpy("logicalNot")], (s) => bools([s, s], 1)),
];

type Two = (a: Tensor, b: Tensor) => Tensor;

function two(
  name: string,
  ours: Two,
  calls: Calls,
  operands: readonly [(s: number) => Value, (s: number) => Value] = [x, square2(2)],
): Primitive {
  return {
    name,
    operands: (s) => operands.map((make) => make(s)),
    ours: ([a, b]) => ours(a, b),
    peers: peersOf(calls),
  };
}

/** A few values, so that many are equal. */
const few = (seed: number) => (s: number) => {
  const { shape, data } = integers([s, s], seed, 4);
  return { shape, data: Float32Array.from(data) };
};
const compared = [few(1), few(2)] as const;
const truths = [(s: number) => bools([s, s], 1), (s: number) => bools([s, s], 2)] as const;
const added: Calls = [named("add"), numpy("add")];

const pairs: readonly Primitive[] = [
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

/** Over the last dimension, the first, and all of them: the dimension, and how a case is called. */
const reducedDims = [
  [1, "last"],
  [0, "first"],
  [undefined, "all"],
] as const;

type Reduce = (x: Tensor, dim?: number) => Tensor;
type CallsOver = (dim: number | undefined) => Calls;

/** The peers add millions of values in float32 one after the other, and are off by this much at most; ours add in float64. */
const SUM_OF_ALL = 5e-3;

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

const reductions: readonly Primitive[] = [
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

const alongDims: readonly Primitive[] = [
  one("cumsum last", (x) => cumsum(x, 1), [named("cumsum", 1), numpy("cumsum", 1)], square2(1, 1, 0.5)),
  one("cumsum first", (x) => cumsum(x, 0), [named("cumsum", 0), numpy("cumsum", 0)], square2(1, 1, 0.5)),
  one("softmax", (x) => softmax(x), [named("softmax"), named("nn.softmax")]),
  one("softmax first", (x) => softmax(x, 0), [undefined, named("nn.softmax", 0)]),
  one("logSoftmax", (x) => logSoftmax(x), [named("logSoftmax"), named("nn.logSoftmax")]),
  one("layerNorm", (x) => layerNorm(x), [undefined, named("nn.standardize")]),
  {
    ...one("sort", (x) => x, [undefined, numpy("sort")]),
    ours: ([x]) => both2(sort(x)),
  },
  {
    ...one("topk of 8", (x) => x, [named("topk", 8), named("lax.topK", 8)]),
    ours: ([x]) => both2(topk(x, 8)),
  },
];

const both2 = ({ values, indices }: { readonly values: Tensor; readonly indices: Tensor }) => [
  values,
  indices,
];

const half = (s: number) => s / 2;
const ids = (seed: number) => (s: number) => integers([s], seed, s);

const shapes: readonly Primitive[] = [
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

/** Products take more than their operands' size: of the largest, at most 512 rows and columns. */
const atMost512 = (s: number) => Math.min(s, 512);
const factor = (seed: number) => (s: number) => random([atMost512(s), atMost512(s)], seed);
/** As many 32×32 matrices as make s² values. */
const stack32 = (seed: number) => (s: number) => random([(s * s) / 1024, 32, 32], seed);
/** Images of 4 channels, or of 16, one or 16 of them. */
const images = (s: number): readonly [N: number, C: number, H: number] =>
  s > 1024 ? [4, 16, s / 8] : s > 128 ? [1, 16, s / 4] : [1, 4, s / 2];
const sequences = (s: number): readonly [N: number, C: number, L: number] => {
  const [N, C] = images(s);
  return [N, C, (s * s) / (N * C)];
};
/** Heads of 32 values, that look at 32 or 256 places. */
const heads = (seed: number) => (s: number) => {
  const L = Math.min(s, 256);
  return random([Math.max(1, (s * s) / (L * 32 * 8)), s > 32 ? 8 : 1, L, 32], seed);
};

/** The order of dimensions in which a peer has channels, or heads, to ours and back. */
function ordered(
  transpose: string,
  [to, back]: readonly [to: readonly (readonly number[])[], back: readonly number[]],
  call: PeerCall["call"],
): PeerCall {
  return {
    call,
    before: (api, operands) => operands.map((operand, i) => api(transpose)(operand, to[i])),
    after: (api, y) => api(transpose)(y, back),
  };
}

const products: readonly Primitive[] = [
  two("matmul", (a, b) => matmul(a, b), [named("matMul"), numpy("matmul")], [factor(1), factor(2)]),
  two(
    "matmul transposeB",
    (a, b) => matmul(a, b, { transposeB: true }),
    [
      named("matMul", false, true),
      { call: (jax, [a, b]) => jax("numpy.matmul")(a, jax("numpy.transpose")(b)) },
    ],
    [factor(1), factor(2)],
  ),
  two(
    "matmul vector",
    (a, b) => matmul(a, b),
    [{ call: (tf, [a, b]) => tf("dot")(a, b) }, numpy("matmul")],
    [x, (s) => random([s], 2)],
  ),
  two(
    "matmul of 32×32",
    (a, b) => matmul(a, b),
    [named("matMul"), numpy("matmul")],
    [stack32(1), stack32(2)],
  ),
  two(
    "einsum of 32×32",
    (a, b) => einsum("bij,bkj->bik", a, b),
    [undefined, { call: (jax, [a, b]) => jax("numpy.einsum")("bij,bkj->bik", a, b) }],
    [stack32(1), stack32(2)],
  ),
  two(
    "conv1d of 5",
    (x, w) => conv1d(x, w, { padding: "same" }),
    [
      ordered(
        "transpose",
        [
          [
            [0, 2, 1],
            [2, 1, 0],
          ],
          [0, 2, 1],
        ],
        (tf, [x, w]) => tf("conv1d")(x, w, 1, "same"),
      ),
      { call: (jax, [x, w]) => jax("lax.convGeneralDilated")(x, w, [1], "SAME") },
    ],
    [(s) => random(sequences(s), 1), (s) => random([16, sequences(s)[1], 5], 2)],
  ),
  two(
    "conv2d of 3×3",
    (x, w) => conv2d(x, w, { padding: "same" }),
    [
      ordered(
        "transpose",
        [
          [
            [0, 2, 3, 1],
            [2, 3, 1, 0],
          ],
          [0, 3, 1, 2],
        ],
        (tf, [x, w]) => tf("conv2d")(x, w, 1, "same"),
      ),
      { call: (jax, [x, w]) => jax("lax.convGeneralDilated")(x, w, [1, 1], "SAME") },
    ],
    [(s) => random([...images(s), images(s)[2]], 1), (s) => random([16, images(s)[1], 3, 3], 2)],
  ),
  {
    name: "scaledDotProductAttention",
    operands: (s) => [heads(1)(s), heads(2)(s), heads(3)(s)],
    ours: ([q, k, v]) => scaledDotProductAttention(q, k, v),
    peers: {
      "jax-js": ordered(
        "numpy.transpose",
        [Array.from({ length: 3 }, () => [0, 2, 1, 3]), [0, 2, 1, 3]],
        (jax, [q, k, v]) => jax("nn.dotProductAttention")(q, k, v),
      ),
    },
  },
];

const losses: readonly Primitive[] = [
  {
    ...two("mse", (a, b) => mse(a, b), [named("losses.meanSquaredError"), undefined]),
    tolerance: SUM_OF_ALL,
  },
  two(
    "crossEntropy of probabilities",
    (logits, targets) => crossEntropy(logits, targets),
    [{ call: (tf, [logits, targets]) => tf("losses.softmaxCrossEntropy")(targets, logits) }, undefined],
    [x, (s) => onePerRow(s)],
  ),
];

/** One 1 in each row. */
function onePerRow(s: number): Value {
  const data = new Float32Array(s * s);
  for (const [row, id] of integers([s], 2, s).data.entries()) data[row * s + id] = 1;
  return { shape: [s, s], data };
}

export const primitives: readonly Primitive[] = [
  ...pointwise,
  ...pairs,
  ...reductions,
  ...alongDims,
  ...shapes,
  ...products,
  ...losses,
];
