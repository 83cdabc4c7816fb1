/** The column of this backend in the table of kernels: a kernel that is missing here does not compile. */
import { adamw } from "./adamw.js";
import { attention, attentionGrad, writeRows } from "./attention.js";
import { binary, where } from "./binary.js";
import { linearCrossEntropy, linearCrossEntropyGrad } from "./cross-entropy.js";
import { cumsum } from "./cumsum.js";
import { fill, scale, sum, sumSquares } from "./elementwise.js";
import { embedding, embeddingGrad } from "./embedding.js";
import { frozenNorm, frozenNormGrad } from "./frozen-norm.js";
import { gelu, geluGrad, linearGelu } from "./gelu.js";
import type { Implementation } from "./implementation.js";
import { linearKlDivergence, linearKlDivergenceGrad } from "./kl-divergence.js";
import { layerNorm, layerNormGrad, rowStd, rowStdGrad } from "./layer-norm.js";

import { linear, linearGradBias, linearGradInput, linearGradWeight } from "./linear.js";
import { matmul } from "./matmul.js";
import { gather, indexAdd, indexSelect, scatterAdd } from "./places.js";
import { argReduce, reduce } from "./reduce.js";
import { softmax, softmaxGrad } from "./softmax.js";
import { sort } from "./sort.js";
import { classMean, stdSpread, stdSpreadGrad } from "./std-spread.js";
import { assign, full, range, strided } from "./strided.js";
import { cast, clamp, unary } from "./unary.js";
import type { KernelName } from "@normless/tensor";

export const kernels: { readonly [K in KernelName]: Implementation<K> } = {
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
  matmul,
  linear,
  linearGradInput,
  linearGradWeight,
  linearGradBias,
  gelu,
  geluGrad,
  linearGelu,
  layerNorm,
  layerNormGrad,
  frozenNorm,
  frozenNormGrad,
  rowStd,
  rowStdGrad,
  classMean,
  stdSpread,
  stdSpreadGrad,
  attention,
  attentionGrad,
  writeRows,
  embedding,
  embeddingGrad,
  linearCrossEntropy,
  linearCrossEntropyGrad,
  linearKlDivergence,
  linearKlDivergenceGrad,
  scale,
  sum,
  fill,
  sumSquares,
  adamw,
};
