import { lastDim, rowsOf, stdByClass } from "@normless/tensor";
import { checkClassValues } from "./checks.js";
import { flag, type Implementation, ROWS, unitsOf } from "./implementation.js";
import { normPartials, sumNormPartials } from "./layer-norm.js";

export const frozenNorm: Implementation<"frozenNorm"> = {
  check: (engine, { classes }) => checkClassValues(engine, "frozenNorm", classes),
  run(engine, { x, gamma, beta, classes }, { std }, { y }) {
    const N = rowsOf(x.shape);
    const pointers = [x, gamma, beta, classes, y].map(({ pointer }) => pointer);
    const ints = [...pointers, N, lastDim(x.shape)];
    engine.run("frozenNorm", unitsOf(N, ROWS), x.size, ints, stdByClass(std));
  },
};

export const frozenNormGrad: Implementation<"frozenNormGrad"> = {
  accumulates: true,
  check: (engine, { classes }) => checkClassValues(engine, "frozenNormGrad", classes),
  run(engine, { dy, x, gamma, classes }, { std }, { dx, dgamma, dbeta }) {
    const [N, C] = [rowsOf(x.shape), lastDim(x.shape)];
    const partials = normPartials(engine, N, C);
    const pointers = [dy, x, gamma, classes, dx].map(({ pointer }) => pointer);
    const ints = [...pointers, N, C, partials, flag(dx.add)];
    engine.run("frozenNormGrad", unitsOf(N, ROWS), 2 * x.size, ints, stdByClass(std));
    sumNormPartials(engine, partials, N, C, { dgamma, dbeta });
  },
};
