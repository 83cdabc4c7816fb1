/** Which of PyTorch's samples are not run, and why: what our functions do not have. */
import type { Argument, Call } from "./call.js";

/** Of these ops the samples for which `when` holds. */
interface LeftOut {
  readonly ops: readonly string[];
  readonly when: (call: Call) => boolean;
  readonly why: string;
}

/** Where this argument was given, and is not one of these. */
const given =
  (name: string, ...but: readonly Argument[]) =>
  (call: Call): boolean =>
    call.raw(name) !== null && !but.some((one) => same(one, call.raw(name)));
const same = (a: Argument, b: Argument) => JSON.stringify(a) === JSON.stringify(b);
const shapes = (call: Call, ...names: readonly string[]) => names.map((name) => call.value(name).shape);
/** Over how many values a norm is. */
const normed = (call: Call) => call.numbers("shape").reduce((product, size) => product * size, 1);
/** Whether some dimension has no value left after the cuts. */
const cutsAll = (call: Call) => {
  const amounts = call.numbers("pad");
  return call.value().shape.some((size, d, { length }) => {
    const at = 2 * (length - 1 - d);
    return size > 0 && [0, 1].some((end) => -(amounts[at + end] ?? 0) >= size);
  });
};
const FLOAT32 = { python: "torch.float32" };

/** A line each. */
export const leftOut: readonly LeftOut[] = [
  {
    ops: ["softmax", "log_softmax", "nn.functional.softmin"],
    when: given("dtype", FLOAT32),
    why: "there is no float64",
  },
  {
    ops: ["div"],
    when: given("rounding_mode"),
    why: "quotients are not rounded; floor(div(a, b)) is the floor of the float32 quotient",
  },
  { ops: ["round"], when: given("decimals", 0), why: "it rounds to whole numbers" },
  {
    ops: ["nn.functional.softplus"],
    when: given("beta", 1),
    why: "softplus has no beta, and is exact where PyTorch's becomes x above a threshold",
  },
  {
    ops: ["nn.functional.scaled_dot_product_attention"],
    when: given("dropout_p", 0),
    why: "what is dropped is random",
  },
  {
    ops: ["nn.functional.linear"],
    when: (call) => shapes(call, "weight")[0].length === 1,
    why: "a weight is a matrix; matmul takes a vector",
  },
  {
    ops: ["nn.functional.one_hot"],
    when: given("num_classes", 10),
    why: "how many classes there are is told, and not read off values",
  },
  {
    ops: ["nn.functional.layer_norm"],
    when: (call) => normed(call) <= 2 && call.value().shape[0] > 0,
    why: "of one value or two, less their mean, the gradient is 0 but for PyTorch's rounding",
  },
  {
    ops: ["nn.functional.rms_norm"],
    when: (call) => normed(call) === 1 && call.value().shape[0] > 0,
    why: "of one value the gradient is 0 but for PyTorch's rounding",
  },
  {
    ops: ["nn.functional.pad"],
    when: (call) => call.raw("mode") === "replicate" && cutsAll(call),
    why: "where all is cut away there is nothing to go on with",
  },
  { ops: ["narrow"], when: (call) => typeof call.raw("start") !== "number", why: "a start is a number" },
  {
    ops: ["gather"],
    when: (call) => new Set(shapes(call, "x", "index").map(({ length }) => length)).size > 1,
    why: "an index has as many dimensions as x",
  },
  {
    ops: ["cat"],
    when: (call) => new Set(call.list().map(({ shape }) => shape.length)).size > 1,
    why: "an empty tensor of one dimension is no exception from having the others' shape",
  },
];
