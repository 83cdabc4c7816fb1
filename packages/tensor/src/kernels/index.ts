/** The table of kernels: an op is a row here, a backend a column. A backend that misses one does not compile. */
import { adamw, sumSquares } from "./adamw.js";
import { attention, attentionGrad, writeRows } from "./attention.js";
import { binary, where } from "./binary.js";
import type { Contract } from "./contract.js";
import { linearCrossEntropy, linearCrossEntropyGrad } from "./cross-entropy.js";
import { fill, scale, sum } from "./elementwise.js";
import { embedding, embeddingGrad } from "./embedding.js";
import { frozenNorm, frozenNormGrad } from "./frozen-norm.js";
import { gather, indexAdd, indexSelect, scatterAdd } from "./gather.js";
import { gelu, geluGrad } from "./gelu.js";
import { layerNorm, layerNormGrad, rowStd, rowStdGrad } from "./layer-norm.js";
import { linearKlDivergence, linearKlDivergenceGrad } from "./kl-divergence.js";
import { linearGelu } from "./linear-gelu.js";
import { linear, linearGradBias, linearGradInput, linearGradWeight } from "./linear.js";
import { matmul } from "./matmul.js";
import { argReduce, cumsum, reduce, softmax, softmaxGrad, sort } from "./reduce.js";
import { classMean, stdSpread, stdSpreadGrad } from "./std-spread.js";
import { assign, full, range, strided } from "./strided.js";
import { cast, clamp, unary } from "./unary.js";

/** All kernels, by name: families of ops, then what GPT-2 needs in one piece. */
export const contracts = {
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
} as const;

/** The type of `contracts`. */
export type Contracts = typeof contracts;
/** `linear`, `layerNorm`, `attention`, … */
export type KernelName = keyof Contracts;
/** The names of all kernels. */
export const kernelNames = Object.keys(contracts) as KernelName[];

/** Attributes of kernel `K`. */
export type AttributesOf<K extends KernelName> =
  Contracts[K] extends Contract<infer _I, infer _P, infer A, infer _O> ? A : never;
