/** The jobs by number. The build script copies the names to the host's side, so both always agree. */
import { adamw } from "./adamw";
import { attention, attentionPack, writeRows } from "./attention";
import { attentionGrad } from "./attention-grad";
import { crossEntropyChunk, crossEntropyEnd, crossEntropyExp, crossEntropyGradient } from "./cross-entropy";
import { add, addRows, expand, fill, mul, scale, sumChunks, sumPartials, sumSquaresChunks } from "./elementwise";
import { meet, microTurns } from "./diagnostics";
import { embedding, embeddingGrad } from "./embedding";
import { fewQueries, fewQueriesEnd } from "./few-queries";
import { fewRows, fewRowsDots } from "./few-rows";
import { frozenNorm, frozenNormGrad } from "./frozen-norm";
import { gelu, geluGrad } from "./gelu";
import { gemm, packB } from "./gemm";
import { klDivergence } from "./kl-divergence";
import { layerNorm, layerNormGrad, rowStd, rowStdGrad } from "./layer-norm";
import { biasRows, columnSums } from "./linear";
import { classMean, stdSpread, stdSpreadGrad } from "./std-spread";

export function runPhase(phase: i32, unit: i32, thread: i32): void {
  switch (phase) {
    case 0: return packB(unit);
    case 1: return gemm(unit, thread);
    case 2: return columnSums(unit);
    case 3: return gelu(unit, thread);
    case 4: return geluGrad(unit, thread);
    case 5: return layerNorm(unit);
    case 6: return layerNormGrad(unit);
    case 7: return frozenNorm(unit);
    case 8: return frozenNormGrad(unit);
    case 9: return rowStd(unit);
    case 10: return rowStdGrad(unit);
    case 11: return classMean();
    case 12: return stdSpread();
    case 13: return stdSpreadGrad();
    case 14: return attention(unit, thread);
    case 15: return attentionGrad(unit, thread);
    case 16: return writeRows(unit);
    case 17: return embedding(unit);
    case 18: return embeddingGrad(unit);
    case 19: return crossEntropyChunk(unit, thread);
    case 20: return crossEntropyEnd();
    case 21: return crossEntropyExp(unit, thread);
    case 22: return add(unit);
    case 23: return mul(unit);
    case 24: return scale(unit);
    case 25: return expand(unit);
    case 26: return fill(unit);
    case 27: return sumChunks(unit);
    case 28: return sumSquaresChunks(unit);
    case 29: return sumPartials();
    case 30: return addRows(unit);
    case 31: return adamw(unit);
    case 32: return crossEntropyGradient(unit);
    case 33: return biasRows(unit);
    case 34: return fewRows(unit);
    case 35: return fewRowsDots(unit);
    case 36: return meet();
    case 37: return microTurns(unit, thread);
    case 38: return attentionPack(unit);
    case 39: return klDivergence(unit, thread);
    case 40: return fewQueries(unit, thread);
    case 41: return fewQueriesEnd(unit);
  }
}
