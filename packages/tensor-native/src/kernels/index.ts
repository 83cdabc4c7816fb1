/** The column of this backend in the table of kernels: a kernel that is missing here does not compile. */
import type { KernelName } from "@normless/tensor";
import { attention, attentionGrad, writeRows } from "./attention.js";
import type { Implementation } from "./implementation.js";
import { linear, linearGradBias, linearGradInput, linearGradWeight } from "./linear.js";

export const kernels = {
  linear,
  linearGradInput,
  linearGradWeight,
  linearGradBias,
  attention,
  attentionGrad,
  writeRows,
} as unknown as { readonly [K in KernelName]: Implementation<K> };
