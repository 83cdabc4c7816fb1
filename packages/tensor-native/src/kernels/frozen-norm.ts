/** LayerNorm with a constant std for each position class, and its gradient (native/frozen-norm.c). */
import { lastDim, rowsOf, stdByClass } from "@normless/tensor";
import { declare } from "../library.js";
import { checkClassValues } from "./checks.js";
import { flag, type Implementation } from "./implementation.js";

const norm = declare(
  "int frozen_norm(engine *e, float *y, const float *x, const float *gamma, const float *beta, " +
    "const int32_t *classes, int64_t N, int64_t C, float first, float eot, float rest)",
);
const grad = declare(
  "int frozen_norm_grad(engine *e, float *dx, float *dgamma, float *dbeta, const float *dy, const float *x, " +
    "const float *gamma, const int32_t *classes, int64_t N, int64_t C, float first, float eot, float rest, " +
    "int add_dx, int add_dgamma, int add_dbeta)",
);

export const frozenNorm: Implementation<"frozenNorm"> = {
  check: (engine, { classes }) => checkClassValues(engine, "frozenNorm", classes),
  run(engine, { x, gamma, beta, classes }, { std }, { y }) {
    const pointers = [y, x, gamma, beta, classes].map(({ pointer }) => pointer);
    engine.call(norm, ...pointers, rowsOf(x.shape), lastDim(x.shape), ...stdByClass(std));
  },
};

export const frozenNormGrad: Implementation<"frozenNormGrad"> = {
  accumulates: true,
  check: (engine, { classes }) => checkClassValues(engine, "frozenNormGrad", classes),
  run(engine, { dy, x, gamma, classes }, { std }, { dx, dgamma, dbeta }) {
    const pointers = [dx, dgamma, dbeta, dy, x, gamma, classes].map(({ pointer }) => pointer);
    const adds = [dx, dgamma, dbeta].map(({ add }) => flag(add));
    engine.call(grad, ...pointers, rowsOf(x.shape), lastDim(x.shape), ...stdByClass(std), ...adds);
  },
};
