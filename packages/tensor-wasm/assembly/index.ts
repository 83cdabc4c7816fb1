/** What the host calls. */
export { firstOutside } from "./embedding";
export { drain, fail, publish, quitAll, serve } from "./threads";

// All jobs and the micro-kernels are exported only so that the optimizer does not inline them into their one caller:
// in one large function they would share its registers, and the accumulators would be spilled.
export * from "./adamw";
export { attention, attentionPack, writeRows } from "./attention";
export { attentionGrad } from "./attention-grad";
export { crossEntropyChunk, crossEntropyEnd, crossEntropyExp, crossEntropyGradient } from "./cross-entropy";
export * from "./diagnostics";
export { add, addRows, expand, fill, mul, scale, sumChunks, sumPartials, sumSquaresChunks } from "./elementwise";
export { embedding, embeddingGrad } from "./embedding";
export * from "./few-queries";
export * from "./few-rows";
export { expRow, expRun } from "./exp";
export * from "./frozen-norm";
export { gelu, geluGrad } from "./gelu";
export { gemm, micro, packB } from "./gemm";
export { klDivergence } from "./kl-divergence";
export * from "./layer-norm";
export * from "./linear";
export * from "./std-spread";
