/** PyTorch's ops as ours: the names of its arguments in their order, and the call of ours that it is. */
import * as ops from "@normless/autograd";
import type { Operand, SpreadOptions, Value } from "@normless/autograd";
import type { Call } from "./call.js";

/** One of our functions with a sample's arguments. */
export interface Op {
  readonly names: string;
  readonly run: (call: Call) => Value | readonly Value[];
}

const op = (names: string, run: Op["run"]): Op => ({ names, run });
const unary = (fn: (x: Value) => Value): Op => op("x", (a) => fn(a.value()));
const binary = (fn: (a: Value, b: Operand) => Value): Op => op("x other", (a) => fn(a.value(), a.operand()));
/** The operand on the other side, as Python has it where that is a number. */
const reflected = (fn: (a: Operand, b: Value) => Value): Op =>
  op("x other", (a) => fn(a.operand(), a.value()));
const keep = (a: Call) => ({ keepdim: a.flag("keepdim") });
/** Names the kind that values are of already; others are in left-out.ts. */
const float32 = (a: Call) => void a.raw("dtype");
/** Ours are always row-major. */
const cast = (to: "bool" | "int32" | "float32"): Op =>
  op("x", (a) => {
    a.raw("memory_format");
    return ops.cast(a.value(), to);
  });
const reduction = (fn: (x: Value, dim: ops.Dims, keep: ops.Keep) => Value): Op =>
  op("x dim keepdim", (a) => {
    float32(a);
    return fn(a.value(), a.dims(), keep(a));
  });
const along = (fn: (x: Value, dim: number) => Value): Op =>
  op("x dim", (a) => {
    float32(a);
    return fn(a.value(), a.dim(-1));
  });
const both = ({ values, indices }: ops.Sorted<Value>) => [values, indices];

/** `alpha` times the second operand. */
function scaled(a: Call): Operand {
  const alpha = a.number("alpha", 1);
  return alpha === 1 ? a.operand() : ops.mul(a.value("other"), alpha);
}

/** PyTorch's older way to say which correction: true is 1. It may stand in place of the dimension. */
function spread(a: Call): readonly [x: Value, dim: ops.Dims, SpreadOptions] {
  const unbiased = typeof a.raw("dim") === "boolean" ? a.flag("dim") : a.flag("unbiased", true);
  const dim = typeof a.raw("dim") === "boolean" ? undefined : a.dims();
  return [a.value(), dim, { ...keep(a), correction: a.number("correction", Number(unbiased)) }];
}

/** Everything that is one. */
export const table: Readonly<Record<string, Op>> = {
  neg: unary(ops.neg),
  abs: unary(ops.abs),
  sign: unary(ops.sign),
  exp: unary(ops.exp),
  expm1: unary(ops.expm1),
  log: unary(ops.log),
  log1p: unary(ops.log1p),
  sqrt: unary(ops.sqrt),
  rsqrt: unary(ops.rsqrt),
  reciprocal: unary(ops.reciprocal),
  square: unary(ops.square),
  sin: unary(ops.sin),
  cos: unary(ops.cos),
  tanh: unary(ops.tanh),
  sigmoid: unary(ops.sigmoid),
  erf: unary(ops.erf),
  floor: unary(ops.floor),
  ceil: unary(ops.ceil),
  round: op("x", (a) => {
    // Which decimals would be others than none is in left-out.ts.
    a.number("decimals", 0);
    return ops.round(a.value());
  }),
  "nn.functional.relu": unary(ops.relu),
  "nn.functional.silu": unary(ops.silu),
  "nn.functional.softplus": unary(ops.softplus),
  "nn.functional.gelu": op("x", (a) => ops.gelu(a.value(), a.text("approximate", "none", "tanh"))),
  logical_not: unary(ops.logicalNot),
  isnan: unary(ops.isNaN),
  isfinite: unary(ops.isFinite),
  bool: cast("bool"),
  int: cast("int32"),
  float: cast("float32"),

  add: op("x other", (a) => ops.add(a.value(), scaled(a))),
  sub: op("x other", (a) => ops.sub(a.value(), scaled(a))),
  rsub: op("x other", (a) => ops.sub(a.value("other"), ops.mul(a.value(), a.number("alpha", 1)))),
  mul: binary(ops.mul),
  div: binary(ops.div),
  true_divide: binary(ops.div),
  pow: binary(ops.pow),
  maximum: binary(ops.maximum),
  minimum: binary(ops.minimum),
  clamp_min: binary(ops.maximum),
  clamp_max: binary(ops.minimum),
  __radd__: reflected(ops.add),
  __rsub__: reflected(ops.sub),
  __rmul__: reflected(ops.mul),
  __rdiv__: reflected(ops.div),
  __rpow__: reflected(ops.pow),
  eq: binary(ops.eq),
  ne: binary(ops.ne),
  lt: binary(ops.lt),
  le: binary(ops.le),
  gt: binary(ops.gt),
  ge: binary(ops.ge),
  logical_and: binary(ops.logicalAnd),
  logical_or: binary(ops.logicalOr),
  clamp: op("x min max", (a) =>
    ops.clamp(a.value(), { min: a.maybeOperand("min"), max: a.maybeOperand("max") }),
  ),
  where: op("x condition other", (a) => ops.where(a.value("condition"), a.value(), a.operand())),
  masked_fill: op("x mask value", (a) => ops.maskedFill(a.value(), a.value("mask"), a.operand("value"))),

  sum: reduction(ops.sum),
  mean: reduction(ops.mean),
  prod: reduction(ops.prod),
  amax: reduction(ops.max),
  amin: reduction(ops.min),
  any: reduction(ops.any),
  all: reduction(ops.all),
  logsumexp: reduction(ops.logSumExp),
  argmax: op("x dim keepdim", (a) => ops.argmax(a.value(), a.dims() as number | undefined, keep(a))),
  argmin: op("x dim keepdim", (a) => ops.argmin(a.value(), a.dims() as number | undefined, keep(a))),
  var: op("x dim", (a) => ops.variance(...spread(a))),
  std: op("x dim", (a) => ops.std(...spread(a))),
  max: op("x dim keepdim", (a) => largest(a, ops.max, ops.argmax, ops.maximum)),
  min: op("x dim keepdim", (a) => largest(a, ops.min, ops.argmin, ops.minimum)),
  cumsum: along(ops.cumsum),
  softmax: along(ops.softmax),
  log_softmax: along(ops.logSoftmax),
  "nn.functional.softmin": along((x, dim) => ops.softmax(ops.neg(x), dim)),
  sort: op("x dim descending", (a) => {
    // Ours always is.
    a.flag("stable");
    return both(ops.sort(a.value(), { dim: a.dim(-1), descending: a.flag("descending") }));
  }),
  msort: op("x", (a) => ops.sort(a.value(), { dim: 0 }).values),
  topk: op("x k dim largest sorted", (a) => {
    // Ours always is.
    a.flag("sorted");
    return both(ops.topk(a.value(), a.number("k"), { dim: a.dim(-1), largest: a.flag("largest", true) }));
  }),

  reshape: op("x shape", (a) => ops.reshape(a.value(), a.numbers("shape"))),
  view: op("x shape", (a) => ops.reshape(a.value(), a.numbers("shape"))),
  reshape_as: op("x other", (a) => ops.reshape(a.value(), a.value("other").shape)),
  view_as: op("x other", (a) => ops.reshape(a.value(), a.value("other").shape)),
  ravel: unary((x) => ops.reshape(x, [-1])),
  permute: op("x dims", (a) => ops.permute(a.value(), a.numbers("dims"))),
  transpose: op("x dim0 dim1", (a) => ops.transpose(a.value(), a.number("dim0"), a.number("dim1"))),
  expand: op("x shape", (a) => ops.expand(a.value(), a.numbers("shape"))),
  expand_as: op("x other", (a) => ops.expand(a.value(), a.value("other").shape)),
  squeeze: op("x dim", (a) => ops.squeeze(a.value(), a.dims())),
  unsqueeze: op("x dim", (a) => ops.unsqueeze(a.value(), a.number("dim"))),
  slice: op("x dim start end step", (a) => {
    const ends = (["start", "end"] as const).map((name) => a.raw(name) as number | null);
    return ops.slice(a.value(), a.dim(0), {
      start: ends[0] ?? undefined,
      end: ends[1] ?? undefined,
      step: a.number("step", 1),
    });
  }),
  narrow: op("x dim start length", (a) => {
    const start = a.number("start");
    return ops.slice(a.value(), a.number("dim"), { start, end: start + a.number("length") });
  }),
  cat: op("x dim", (a) => ops.concat(a.list(), a.dim(0))),
  stack: op("x dim", (a) => ops.stack(a.list(), a.dim(0))),
  split: op("x sizes dim", (a) => ops.split(a.value(), a.raw("sizes") as number | number[], a.dim(0))),
  split_with_sizes: op("x sizes dim", (a) => ops.split(a.value(), a.numbers("sizes"), a.dim(0))),
  flip: op("x dims", (a) => ops.flip(a.value(), a.numbers("dims"))),
  fliplr: unary((x) => ops.flip(x, 1)),
  flipud: unary((x) => ops.flip(x, 0)),
  roll: op("x shifts dims", (a) => ops.roll(a.value(), a.numbers("shifts"), a.dims("dims"))),
  "nn.functional.pad": op("x pad mode value", (a) => {
    const mode = a.text("mode", "constant", "reflect", "replicate", "circular");
    return ops.pad(a.value(), a.numbers("pad"), mode === "constant" ? a.number("value", 0) : mode);
  }),
  tril: op("x diagonal", (a) => ops.tril(a.value(), a.number("diagonal", 0))),
  triu: op("x diagonal", (a) => ops.triu(a.value(), a.number("diagonal", 0))),
  "nn.functional.one_hot": op("x", (a) => ops.oneHot(a.tensor("x"), a.number("num_classes"))),
  gather: op("x dim index", (a) => ops.gather(a.value(), a.number("dim"), a.tensor("index"))),
  index_select: op("x dim index", (a) => ops.indexSelect(a.value(), a.number("dim"), a.tensor("index"))),
  scatter_add: op("x dim index source", (a) =>
    ops.scatterAdd(a.value(), a.number("dim"), { index: a.tensor("index"), source: a.value("source") }),
  ),
  // Its samples have the table first.
  "nn.functional.embedding": op("x ids", (a) => ops.embedding(a.value("x"), a.tensor("ids"))),

  matmul: op("x other", (a) => ops.matmul(a.value(), a.value("other"))),
  __rmatmul__: op("x other", (a) => ops.matmul(a.value("other"), a.value())),
  mm: op("x other", (a) => ops.matmul(a.value(), a.value("other"))),
  bmm: op("x other", (a) => ops.matmul(a.value(), a.value("other"))),
  mv: op("x other", (a) => ops.matmul(a.value(), a.value("other"))),
  dot: op("x other", (a) => ops.matmul(a.value(), a.value("other"))),
  einsum: op("x formula", (a) => ops.einsum(a.text("formula", a.raw("formula") as string), ...a.list())),
  "nn.functional.linear": op("x weight bias", (a) =>
    ops.linear(a.value(), a.value("weight"), a.maybe("bias"), { transposeW: true }),
  ),

  "nn.functional.layer_norm": op("x shape gamma beta", (a) =>
    overLast(a, (x, gamma, beta) => ops.layerNorm(x, gamma, beta, a.number("eps", 1e-5))),
  ),
  "nn.functional.rms_norm": op("x shape gamma", (a) =>
    overLast(a, (x, gamma) => ops.rmsNorm(x, gamma, a.number("eps", 2 ** -23))),
  ),
  "nn.functional.scaled_dot_product_attention": op("q k v", (a) => {
    a.number("dropout_p", 0);
    return ops.scaledDotProductAttention(a.value("q"), a.value("k"), a.value("v"), {
      mask: a.maybe("attn_mask"),
      isCausal: a.flag("is_causal"),
      enableGqa: a.flag("enable_gqa"),
    });
  }),
  "nn.functional.cross_entropy": op("x targets", (a) => {
    const targets = a.value("targets");
    return ops.crossEntropy(
      classesLast(a.value()),
      targets.dtype === "float32" ? classesLast(targets) : targets,
      {
        reduction: a.text("reduction", "mean", "sum", "none"),
        ignoreIndex: a.number("ignore_index", -100),
        weight: a.maybe("weight"),
      },
    );
  }),
  "nn.functional.mse_loss": op("x targets", (a) =>
    ops.mse(a.value(), a.value("targets"), { reduction: a.text("reduction", "mean", "sum", "none") }),
  ),
  "nn.functional.kl_div": op("x targets", (a) =>
    ops.klDivergence(a.value(), a.value("targets"), {
      reduction: a.text("reduction", "mean", "batchmean", "sum", "none"),
      logTarget: a.flag("log_target"),
    }),
  ),
  "nn.functional.conv1d": op("x weight bias", (a) => {
    const one = (name: string, otherwise: number) => (a.raw(name) === null ? otherwise : a.numbers(name)[0]);
    const padding = a.raw("padding");
    return ops.conv1d(a.value(), a.value("weight"), {
      bias: a.maybe("bias"),
      stride: one("stride", 1),
      padding: typeof padding === "string" ? (padding as ops.Padding) : one("padding", 0),
      dilation: one("dilation", 1),
      groups: a.number("groups", 1),
    });
  }),
  "nn.functional.conv2d": op("x weight bias", (a) => {
    const two = (name: string, otherwise: number) =>
      (a.raw(name) ?? otherwise) as number | readonly [number, number];
    return ops.conv2d(a.value(), a.value("weight"), {
      bias: a.maybe("bias"),
      stride: two("stride", 1),
      padding: two("padding", 0),
      dilation: two("dilation", 1),
      groups: a.number("groups", 1),
    });
  }),
  movedim: op("x from to", (a) => {
    const x = a.value();
    const rank = x.shape.length;
    const from = a.numbers("from").map((d) => (d + rank) % rank);
    const order: number[] = [];
    a.numbers("to").forEach((to, at) => (order[(to + rank) % rank] = from[at]));
    return ops.permute(x, order);
  }),
};

/** PyTorch's norms are over the last dimensions, ours over the last one. */
function overLast(a: Call, norm: (x: Value, gamma?: Value, beta?: Value) => Value): Value {
  const x = a.value();
  const C = a.numbers("shape").reduce((product, size) => product * size, 1);
  const flat = (name: string) => {
    const value = a.maybe(name);
    return value && ops.reshape(value, [C]);
  };
  return ops.reshape(norm(ops.reshape(x, [-1, C]), flat("gamma"), flat("beta")), x.shape);
}

/** PyTorch's classes are dimension 1. */
const classesLast = (x: Value) => ops.permute(x, [0, ...x.shape.map((_, d) => d).slice(2), 1]);

/** PyTorch's max and min are three functions: of all values, along a dimension with the places, of two tensors. */
function largest(
  a: Call,
  ofValues: typeof ops.max,
  place: typeof ops.argmax,
  ofTwo: typeof ops.maximum,
): Value | readonly Value[] {
  const dim = a.raw("dim");
  if (dim === null) return ofValues(a.value());
  if (typeof dim !== "number") return ofTwo(a.value(), a.value("dim"));
  return [ofValues(a.value(), dim, keep(a)), place(a.value(), dim, keep(a))];
}
