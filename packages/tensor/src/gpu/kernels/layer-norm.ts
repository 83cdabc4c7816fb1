import { lastDim, rowsOf } from "../../shape.js";
import type { JsPass } from "../program.js";
import type { Build, Operand } from "../program.js";
import { FLAT, pass, sumOf, X, Y } from "../source.js";

/** mean (...) of each row of x. */
export function rowMeans(op: string, x: Operand, writes: string): JsPass {
  const C = lastDim(x.shape);
  return pass(op, {
    output: [rowsOf(x.shape)],
    reads: { x: C },
    writes,
    body: `${sumOf("sum", C, (c) => `x[${X}][${c}]`)} return sum / ${C};`,
  });
}

/** Statements that declare `variance` (biased) of row X of x, about mean[X]. */
function variance(C: number): string {
  return `let mu = mean[${X}];
    ${sumOf("squares", C, (c) => `(x[${X}][${c}] - mu) * (x[${X}][${c}] - mu)`)}
    let variance = squares / ${C};`;
}

export const layerNorm: Build<"layerNorm"> = ({ x }, { eps }) => {
  const C = lastDim(x.shape);
  const rows = rowsOf(x.shape);
  return {
    passes: [
      rowMeans("layerNorm", x, "mean"),
      pass("layerNorm", {
        output: [rows],
        reads: { x: C, mean: FLAT },
        writes: "rstd",
        floats: { eps },
        body: `${variance(C)} return 1 / Math.sqrt(variance + eps);`,
      }),
      pass("layerNorm", {
        output: [C, rows],
        reads: { x: C, mean: FLAT, rstd: FLAT, gamma: FLAT, beta: FLAT },
        writes: "y",
        body: `return (x[${Y}][${X}] - mean[${Y}]) * rstd[${Y}] * gamma[${X}] + beta[${X}];`,
      }),
    ],
  };
};

export const layerNormGrad: Build<"layerNormGrad"> = ({ x }) => {
  const C = lastDim(x.shape);
  const rows = rowsOf(x.shape);
  const reads = { dy: C, x: C, gamma: FLAT, mean: FLAT, rstd: FLAT };
  const normalized = (n: string, c: string) => `(x[${n}][${c}] - mean[${n}]) * rstd[${n}]`;
  return {
    temporaries: { meanA: rows, meanAX: rows },
    passes: [
      pass("layerNormGrad", {
        output: [rows],
        reads: { dy: C, gamma: FLAT },
        writes: "meanA",
        body: `${sumOf("sum", C, (c) => `dy[${X}][${c}] * gamma[${c}]`)} return sum / ${C};`,
      }),
      pass("layerNormGrad", {
        output: [rows],
        reads,
        writes: "meanAX",
        body: `${sumOf("sum", C, (c) => `dy[${X}][${c}] * gamma[${c}] * ${normalized(X, c)}`)} return sum / ${C};`,
      }),
      pass("layerNormGrad", {
        output: [C, rows],
        reads: { ...reads, meanA: FLAT, meanAX: FLAT },
        writes: "dx",
        body: `return (dy[${Y}][${X}] * gamma[${X}] - meanA[${Y}] - ${normalized(Y, X)} * meanAX[${Y}]) * rstd[${Y}];`,
      }),
      pass("layerNormGrad", {
        output: [C],
        reads: { dy: C, x: C, mean: FLAT, rstd: FLAT },
        writes: "dgamma",
        body: `${sumOf("sum", rows, (n) => `dy[${n}][${X}] * ${normalized(n, X)}`)} return sum;`,
      }),
      pass("layerNormGrad", {
        output: [C],
        reads: { dy: C },
        writes: "dbeta",
        body: `${sumOf("sum", rows, (n) => `dy[${n}][${X}]`)} return sum;`,
      }),
    ],
  };
};

export const rowStd: Build<"rowStd"> = ({ x }, { eps }) => {
  const C = lastDim(x.shape);
  const rows = rowsOf(x.shape);
  return {
    temporaries: { mean: rows },
    passes: [
      rowMeans("rowStd", x, "mean"),
      pass("rowStd", {
        output: [rows],
        reads: { x: C, mean: FLAT },
        writes: "std",
        floats: { eps },
        body: `${variance(C)} return Math.sqrt(variance + eps);`,
      }),
    ],
  };
};

export const rowStdGrad: Build<"rowStdGrad"> = ({ x }) => {
  const C = lastDim(x.shape);
  const rows = rowsOf(x.shape);
  return {
    temporaries: { mean: rows },
    passes: [
      rowMeans("rowStdGrad", x, "mean"),
      pass("rowStdGrad", {
        output: [C, rows],
        reads: { dstd: FLAT, x: C, std: FLAT, mean: FLAT },
        writes: "dx",
        body: `return dstd[${Y}] * (x[${Y}][${X}] - mean[${Y}]) / (${C} * std[${Y}]);`,
      }),
    ],
  };
};
