/** The kernels written by hand in WGSL, by name. Each stands for gpu.js's kernel of the same name on webgpu. */
import type { KernelName } from "../../../kernels/index.js";
import type { Build } from "../../program.js";
import { gpuTuning, type Tuning } from "../tuning.js";
import { adamw } from "./adamw.js";
import { attention, attentionGrad, writeRows } from "./attention.js";
import { binary, where } from "./binary.js";
import { linearCrossEntropy, linearCrossEntropyGrad } from "./cross-entropy.js";
import { cumsum } from "./cumsum.js";
import { fill, scale, sum, sumSquares } from "./elementwise.js";
import { embedding, embeddingGrad } from "./embedding.js";
import { frozenNorm, frozenNormGrad } from "./frozen-norm.js";
import { gather, indexAdd, indexSelect, scatterAdd } from "./gather.js";
import { gelu, geluGrad } from "./gelu.js";
import { linearKlDivergence, linearKlDivergenceGrad } from "./kl-divergence.js";
import { layerNorm, layerNormGrad, rowStd, rowStdGrad } from "./layer-norm.js";
import { linearGelu } from "./linear-gelu.js";
import { linear, linearGradBias, linearGradInput, linearGradWeight } from "./linear.js";
import { matmul } from "./matmul.js";
import { argReduce, reduce } from "./reduce.js";
import { softmax, softmaxGrad } from "./softmax.js";
import { sort } from "./sort.js";
import { classMean, stdSpread, stdSpreadGrad } from "./std-spread.js";
import { assign, full, range, strided } from "./strided.js";
import { cast, clamp, unary } from "./unary.js";

/** Kernels that stand for others of the same name. */
export type Overrides = { readonly [K in KernelName]?: Build<K> };

/** All of them, as an adapter likes them. */
export function wgslKernels(tuning: Tuning = gpuTuning) {
  return {
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
    sort: sort(tuning),
    strided,
    assign,
    full,
    range,
    indexSelect,
    indexAdd: indexAdd(tuning),
    gather,
    scatterAdd: scatterAdd(tuning),
    matmul: matmul(tuning),
    linear: linear(tuning),
    linearGradInput: linearGradInput(tuning),
    linearGradWeight: linearGradWeight(tuning),
    linearGradBias,
    gelu,
    geluGrad,
    linearGelu: linearGelu(tuning),
    layerNorm: layerNorm(tuning),
    layerNormGrad: layerNormGrad(tuning),
    frozenNorm: frozenNorm(tuning),
    frozenNormGrad: frozenNormGrad(tuning),
    rowStd: rowStd(tuning),
    rowStdGrad: rowStdGrad(tuning),
    classMean: classMean(tuning),
    stdSpread: stdSpread(tuning),
    stdSpreadGrad,
    attention,
    attentionGrad,
    writeRows,
    embedding,
    embeddingGrad,
    linearCrossEntropy: linearCrossEntropy(tuning),
    linearCrossEntropyGrad: linearCrossEntropyGrad(tuning),
    linearKlDivergence: linearKlDivergence(tuning),
    linearKlDivergenceGrad: linearKlDivergenceGrad(tuning),
    scale,
    sum: sum(tuning),
    fill,
    sumSquares: sumSquares(tuning),
    adamw,
  } satisfies Overrides;
}
