/** What the host calls. */
export { firstOutside } from "./embedding";
export { drain, fail, publish, quitAll, serve } from "./threads";

// All jobs and the micro-kernels are exported only so that the optimizer does not inline them into their one caller:
// in one large function they would share its registers, and the accumulators would be spilled.
export * from "./adamw";
export { attention, attentionPack, writeRows } from "./attention";
export { attentionGrad } from "./attention-grad";
export { binary, pairs, pairsInt32, where } from "./binary";
export { crossEntropyChunk, crossEntropyEnd, crossEntropyExp, crossEntropyGradient } from "./cross-entropy";
export { cumsum, cumsumCarry, cumsumColumns } from "./cumsum";
export * from "./diagnostics";
export { add, addRows, fill, scale, sumChunks, sumPartials, sumSquaresChunks } from "./elementwise";
export { embedding, embeddingGrad } from "./embedding";
export { expRow, expRun } from "./exp";
export * from "./few-queries";
export * from "./few-rows";
export * from "./frozen-norm";
export { gelu, geluGrad } from "./gelu";
export { gemm, micro, packB } from "./gemm";
export { klDivergence } from "./kl-divergence";
export * from "./layer-norm";
export * from "./linear";
export { gather, indexAdd, indexSelect, scatterAdd } from "./places";
export { reduce, reduceInt32 } from "./reduce";
export { softmax, softmaxColumns, softmaxGrad, softmaxGradColumns, softmaxParts } from "./softmax";
export { sortCount, sortMove, sortPairs, sortPlaces, sortRows, sortTake } from "./sort";
export { stack } from "./stack";
export * from "./std-spread";
export { copySteps, range, transpose } from "./strided";
export { clamp, clampInt32, unary, unaryInt32 } from "./unary";
