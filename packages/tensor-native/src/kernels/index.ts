/** The column of this backend in the table of kernels: a kernel that is missing here does not compile. */
import type { KernelName } from "@normless/tensor";
import { adamw } from "./adamw.js";
import { linearCrossEntropy, linearCrossEntropyGrad } from "./cross-entropy.js";
import { embedding, embeddingGrad } from "./embedding.js";
import { gelu, geluGrad, linearGelu } from "./gelu.js";
import type { Implementation } from "./implementation.js";
import { linearKlDivergence, linearKlDivergenceGrad } from "./kl-divergence.js";
import { linear, linearGradBias, linearGradInput, linearGradWeight } from "./linear.js";
import { matmul } from "./matmul.js";

export const kernels = {
  matmul,
  linear,
  linearGradInput,
  linearGradWeight,
  linearGradBias,
  gelu,
  geluGrad,
  linearGelu,
  embedding,
  embeddingGrad,
  linearCrossEntropy,
  linearCrossEntropyGrad,
  linearKlDivergence,
  linearKlDivergenceGrad,
  adamw,
} as unknown as { readonly [K in KernelName]: Implementation<K> };
