/** LayerNorm, the std of rows, and their gradients (native/layer-norm.c). */
import { lastDim, rowsOf } from "@normless/tensor";
import { declare } from "../library.js";
import { flag, type Implementation } from "./implementation.js";

const norm = declare(
  "int layer_norm(engine *e, float *y, float *mean, float *rstd, const float *x, const float *gamma, " +
    "const float *beta, int64_t N, int64_t C, float eps)",
);
const grad = declare(
  "int layer_norm_grad(engine *e, float *dx, float *dgamma, float *dbeta, const float *dy, const float *x, " +
    "const float *gamma, const float *mean, const float *rstd, int64_t N, int64_t C, int add_dx, " +
    "int add_dgamma, int add_dbeta)",
);
const stdOf = declare("int row_std(engine *e, float *std, const float *x, int64_t N, int64_t C, float eps)");
const stdGrad = declare(
  "int row_std_grad(engine *e, float *dx, const float *dstd, const float *x, const float *std, int64_t N, int64_t C)",
);

export const layerNorm: Implementation<"layerNorm"> = {
  run(engine, { x, gamma, beta }, { eps }, { y, mean, rstd }) {
    const pointers = [y, mean, rstd, x, gamma, beta].map(({ pointer }) => pointer);
    engine.call(norm, ...pointers, rowsOf(x.shape), lastDim(x.shape), eps);
  },
};

export const layerNormGrad: Implementation<"layerNormGrad"> = {
  accumulates: true,
  run(engine, { dy, x, gamma, mean, rstd }, _attributes, { dx, dgamma, dbeta }) {
    const pointers = [dx, dgamma, dbeta, dy, x, gamma, mean, rstd].map(({ pointer }) => pointer);
    const adds = [dx, dgamma, dbeta].map(({ add }) => flag(add));
    engine.call(grad, ...pointers, rowsOf(x.shape), lastDim(x.shape), ...adds);
  },
};

export const rowStd: Implementation<"rowStd"> = {
  run(engine, { x }, { eps }, { std }) {
    engine.call(stdOf, std.pointer, x.pointer, rowsOf(x.shape), lastDim(x.shape), eps);
  },
};

export const rowStdGrad: Implementation<"rowStdGrad"> = {
  run(engine, { dstd, x, std }, _attributes, { dx }) {
    const pointers = [dx, dstd, x, std].map(({ pointer }) => pointer);
    engine.call(stdGrad, ...pointers, rowsOf(x.shape), lastDim(x.shape));
  },
};
