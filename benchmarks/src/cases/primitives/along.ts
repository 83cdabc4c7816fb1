/** What goes along a dimension and keeps it: running sums, softmax, order. */
import { cumsum, layerNorm, logSoftmax, softmax, sort, topk } from "@normless/autograd";
import type { Tensor } from "@normless/tensor";
import { named } from "../../peers/op-peer.js";
import { numpy, one, type Primitive, square2 } from "./primitive.js";

export const alongDims: readonly Primitive[] = [
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
