/** LayerNorm and its std: one pass over each row, forward and backward, then column sums for dgamma and dbeta. */
import { lastDim, rowsOf } from "../../../shape.js";
import type { Build } from "../../program.js";
import { columnSums } from "../column-sums.js";
import { addBits, assign } from "../into.js";
import { CENTERED, channels, MEAN, MEAN_AND_VARIANCE, rowKernel } from "../rows.js";
import type { Tuning } from "../tuning.js";

export const layerNorm =
  (tuning: Tuning): Build<"layerNorm"> =>
  ({ x }, { eps }, { y, mean, rstd }) => ({
    adds: ["y", "mean", "rstd"],
    passes: [
      rowKernel(tuning, {
        key: `layerNorm ${addBits(y, mean, rstd)}`,
        reads: { x: "x", gamma: "gamma", beta: "beta" },
        writes: { y: "y", mean: "mean", rstd: "rstd" },
        uniforms: { eps },
        rows: rowsOf(x.shape),
        C: lastDim(x.shape),
        body: `${MEAN_AND_VARIANCE}
  let r = 1.0 / sqrt(variance + u.eps);
  if (t == 0) { mean[row] ${assign(mean)} center + remainder; rstd[row] ${assign(rstd)} r; }
  ${channels(`y[i] ${assign(y)} ${CENTERED} * r * gamma[c] + beta[c];`)}`,
      }),
    ],
  });

export const layerNormGrad =
  (tuning: Tuning): Build<"layerNormGrad"> =>
  ({ x }, _attributes, { dx, dgamma, dbeta }) => {
    const [rows, C] = [rowsOf(x.shape), lastDim(x.shape)];
    const normalized = "(x[i] - mean[row]) * rstd[row]";
    const toX = rowKernel(tuning, {
      key: `layerNormGrad ${addBits(dx)}`,
      reads: { dy: "dy", x: "x", gamma: "gamma", mean: "mean", rstd: "rstd" },
      writes: { dx: "dx" },
      rows,
      C,
      body: `var sumA = 0.0;
  var sumAX = 0.0;
  ${channels(`let a = dy[i] * gamma[c]; sumA += a; sumAX += a * ${normalized};`)}
  let meanA = total(sumA, t) / f32(C);
  let meanAX = total(sumAX, t) / f32(C);
  ${channels(`dx[i] ${assign(dx)} (dy[i] * gamma[c] - meanA - ${normalized} * meanAX) * rstd[row];`)}`,
    });
    const toParams = columnSums({
      key: "layerNormGrad",
      reads: { dy: "dy", x: "x", mean: "mean", rstd: "rstd" },
      rows,
      columns: C,
      sums: [
        { value: "dy[at] * (x[at] - mean[n]) * rstd[n]", output: "dgamma", add: dgamma.add },
        { value: "dy[at]", output: "dbeta", add: dbeta.add },
      ],
    });
    return {
      adds: ["dx", "dgamma", "dbeta"],
      temporaries: toParams.temporaries,
      passes: [toX, ...toParams.passes],
    };
  };

export const rowStd =
  (tuning: Tuning): Build<"rowStd"> =>
  ({ x }, { eps }, { std }) => ({
    adds: ["std"],
    passes: [
      rowKernel(tuning, {
        key: `rowStd ${addBits(std)}`,
        reads: { x: "x" },
        writes: { out: "std" },
        uniforms: { eps },
        rows: rowsOf(x.shape),
        C: lastDim(x.shape),
        body: `${MEAN_AND_VARIANCE}
  if (t == 0) { out[row] ${assign(std)} sqrt(variance + u.eps); }`,
      }),
    ],
  });

export const rowStdGrad =
  (tuning: Tuning): Build<"rowStdGrad"> =>
  ({ x }, _attributes, { dx }) => ({
    adds: ["dx"],
    passes: [
      rowKernel(tuning, {
        key: `rowStdGrad ${addBits(dx)}`,
        reads: { dstd: "dstd", x: "x", stds: "std" },
        writes: { dx: "dx" },
        rows: rowsOf(x.shape),
        C: lastDim(x.shape),
        body: `${MEAN}
  ${channels(`dx[i] ${assign(dx)} dstd[row] * ${CENTERED} / (f32(C) * stds[row]);`)}`,
      }),
    ],
  });
