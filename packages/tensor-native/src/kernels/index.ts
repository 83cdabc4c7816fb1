/** The column of this backend in the table of kernels: a kernel that is missing here does not compile. */
import type { KernelName } from "@normless/tensor";
import { attention, attentionGrad, writeRows } from "./attention.js";
import { frozenNorm, frozenNormGrad } from "./frozen-norm.js";
import type { Implementation } from "./implementation.js";
import { layerNorm, layerNormGrad, rowStd, rowStdGrad } from "./layer-norm.js";
import { linear, linearGradBias, linearGradInput, linearGradWeight } from "./linear.js";
import { classMean, stdSpread, stdSpreadGrad } from "./std-spread.js";

export const kernels = {
  linear,
  linearGradInput,
  linearGradWeight,
  linearGradBias,
  attention,
  attentionGrad,
  writeRows,
  layerNorm,
  layerNormGrad,
  rowStd,
  rowStdGrad,
  frozenNorm,
  frozenNormGrad,
  classMean,
  stdSpread,
  stdSpreadGrad,
} as unknown as { readonly [K in KernelName]: Implementation<K> };
