/** LayerNorm, the std of rows, and their gradients. */
import { lastDim, rowsOf } from "@normless/tensor";
import type { Engine } from "../engine.js";
import { addRows } from "./elementwise.js";
import { flag, type Implementation, type Result, ROWS, unitsOf } from "./implementation.js";

export const layerNorm: Implementation<"layerNorm"> = {
  run(engine, { x, gamma, beta }, { eps }, { y, mean, rstd }) {
    const N = rowsOf(x.shape);
    const pointers = [x, gamma, beta, y, mean, rstd].map(({ pointer }) => pointer);
    engine.run("layerNorm", unitsOf(N, ROWS), x.size, [...pointers, N, lastDim(x.shape)], [eps]);
  },
};

/** Room for the chunks' own dgamma and dbeta. */
export function normPartials(engine: Engine, N: number, C: number): number {
  return engine.scratch(unitsOf(N, ROWS) * 2 * C * 4);
}

/** dgamma and dbeta from what each chunk of rows found. */
export function sumNormPartials(
  engine: Engine,
  partials: number,
  N: number,
  C: number,
  { dgamma, dbeta }: { readonly dgamma: Result; readonly dbeta: Result },
): void {
  const rows = unitsOf(N, ROWS);
  addRows(engine, { pointer: partials, rows, n: C, stride: 2 * C }, dgamma);
  addRows(engine, { pointer: partials + 4 * C, rows, n: C, stride: 2 * C }, dbeta);
}

export const layerNormGrad: Implementation<"layerNormGrad"> = {
  accumulates: true,
  run(engine, { dy, x, gamma, mean, rstd }, _attributes, { dx, dgamma, dbeta }) {
    const [N, C] = [rowsOf(x.shape), lastDim(x.shape)];
    const partials = normPartials(engine, N, C);
    const pointers = [dy, x, gamma, mean, rstd, dx].map(({ pointer }) => pointer);
    engine.run("layerNormGrad", unitsOf(N, ROWS), 2 * x.size, [...pointers, N, C, partials, flag(dx.add)]);
    sumNormPartials(engine, partials, N, C, { dgamma, dbeta });
  },
};

export const rowStd: Implementation<"rowStd"> = {
  run(engine, { x }, { eps }, { std }) {
    const N = rowsOf(x.shape);
    engine.run("rowStd", unitsOf(N, ROWS), x.size, [x.pointer, std.pointer, N, lastDim(x.shape)], [eps]);
  },
};

export const rowStdGrad: Implementation<"rowStdGrad"> = {
  run(engine, { dstd, x, std }, _attributes, { dx }) {
    const N = rowsOf(x.shape);
    const ints = [dstd.pointer, x.pointer, std.pointer, dx.pointer, N, lastDim(x.shape)];
    engine.run("rowStdGrad", unitsOf(N, ROWS), x.size, ints);
  },
};
