/**
 * Cases for every kernel: odd sizes, size 1, non-multiples of 4 and 8, large values, denormals. Plain data, so that
 * they serve any backend and any test runner. A kernel without cases does not compile.
 */
import type { KernelName } from "../../kernels/index.js";
import { attentionCases } from "./attention.js";
import { axisCases } from "./axes.js";
import type { CasesOf } from "./case.js";
import { elementwiseCases } from "./elementwise.js";
import { linearCases } from "./linear.js";
import { matmulCases } from "./matmul.js";
import { normCases } from "./norms.js";
import { placeCases } from "./places.js";
import { pointwiseCases } from "./pointwise.js";

/** The cases of every kernel, by its name. */
export const cases: CasesOf<KernelName> = {
  ...pointwiseCases,
  ...axisCases,
  ...placeCases,
  ...matmulCases,
  ...linearCases,
  ...normCases,
  ...attentionCases,
  ...elementwiseCases,
};
