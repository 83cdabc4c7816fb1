/** The column of this backend in the table of kernels: a kernel that is missing here does not compile. */
import type { KernelName } from "@normless/tensor";
import type { Implementation } from "./implementation.js";
import { binary, where } from "./binary.js";
import { cast, clamp, unary } from "./unary.js";
import { fill, scale, sum, sumSquares } from "./elementwise.js";
import { assign, full, range, strided } from "./strided.js";
import { argReduce, reduce } from "./reduce.js";
import { cumsum } from "./cumsum.js";
import { softmax, softmaxGrad } from "./softmax.js";
import { gather, indexAdd, indexSelect, scatterAdd } from "./places.js";
import { sort } from "./sort.js";
import { linear, linearGradBias, linearGradInput, linearGradWeight } from "./linear.js";

export const kernels = {
  unary,
  clamp,
  cast,
  binary,
  where,
  strided,
  assign,
  full,
  range,
  scale,
  sum,
  fill,
  sumSquares,
  reduce,
  argReduce,
  cumsum,
  softmax,
  softmaxGrad,
  sort,
  indexSelect,
  indexAdd,
  gather,
  scatterAdd,
  linear,
  linearGradInput,
  linearGradWeight,
  linearGradBias,
} as unknown as { readonly [K in KernelName]: Implementation<K> };
