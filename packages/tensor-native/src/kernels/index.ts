/** The column of this backend in the table of kernels: a kernel that is missing here does not compile. */
import type { KernelName } from "@normless/tensor";
import { binary, where } from "./binary.js";
import { cumsum } from "./cumsum.js";
import { fill, scale, sum, sumSquares } from "./elementwise.js";
import type { Implementation } from "./implementation.js";
import { linear, linearGradBias, linearGradInput, linearGradWeight } from "./linear.js";
import { gather, indexAdd, indexSelect, scatterAdd } from "./places.js";
import { argReduce, reduce } from "./reduce.js";
import { softmax, softmaxGrad } from "./softmax.js";
import { sort } from "./sort.js";
import { assign, full, range, strided } from "./strided.js";
import { cast, clamp, unary } from "./unary.js";

export const kernels = {
  unary,
  clamp,
  cast,
  binary,
  where,
  reduce,
  argReduce,
  cumsum,
  softmax,
  softmaxGrad,
  sort,
  strided,
  assign,
  full,
  range,
  indexSelect,
  indexAdd,
  gather,
  scatterAdd,
  linear,
  linearGradInput,
  linearGradWeight,
  linearGradBias,
  scale,
  sum,
  fill,
  sumSquares,
} as unknown as { readonly [K in KernelName]: Implementation<K> };
