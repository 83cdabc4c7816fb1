import { lastDim, rowsOf } from "../../shape.js";
import type { JsPass } from "../program.js";
import type { Build, Operand } from "../program.js";
import { FLAT, pass, sumOf, X, Y } from "../source.js";

/** Buffers of one value a row: see `rowCenters`. */
export const centers = (rows: number) => ({ center: rows, remainder: rows });

/**
 * The mean of each row of x as `center` and the `remainder` that rounding left, so that a large mean costs no digits. The
 * center sums distances from the first value: of a constant row it is that value, to the bit.
 */
export function rowCenters(op: string, x: Operand): JsPass[] {
  const C = lastDim(x.shape);
  const output = [rowsOf(x.shape)] as const;
  const first = `x[${X}][0]`;
  return [
    pass(op, {
      output,
      reads: { x: C },
      writes: "center",
      body: `${sumOf("sum", C, (c) => `(x[${X}][${c}] - ${first})`)} return ${first} + sum / ${C};`,
    }),
    pass(op, {
      output,
      reads: { x: C, center: FLAT },
      writes: "remainder",
      body: `${sumOf("sum", C, (c) => `(x[${X}][${c}] - center[${X}])`)} return sum / ${C};`,
    }),
  ];
}

/** What `centered` reads. */
export const centerReads = { center: FLAT, remainder: FLAT };
/** x less its row's mean. */
export const centered = (n: string, c: string) => `(x[${n}][${c}] - center[${n}] - remainder[${n}])`;

/** Statements that declare `variance` (biased) of row X of x. */
function variance(C: number): string {
  return `${sumOf("squares", C, (c) => `${centered(X, c)} * ${centered(X, c)}`)} let variance = squares / ${C};`;
}

export const layerNorm: Build<"layerNorm"> = ({ x }, { eps }) => {
  const C = lastDim(x.shape);
  const rows = rowsOf(x.shape);
  return {
    temporaries: centers(rows),
    passes: [
      ...rowCenters("layerNorm", x),
      pass("layerNorm", {
        output: [rows],
        reads: centerReads,
        writes: "mean",
        body: `return center[${X}] + remainder[${X}];`,
      }),
      pass("layerNorm", {
        output: [rows],
        reads: { x: C, ...centerReads },
        writes: "rstd",
        floats: { eps },
        body: `${variance(C)} return 1 / Math.sqrt(variance + eps);`,
      }),
      pass("layerNorm", {
        output: [C, rows],
        reads: { x: C, ...centerReads, rstd: FLAT, gamma: FLAT, beta: FLAT },
        writes: "y",
        body: `return ${centered(Y, X)} * rstd[${Y}] * gamma[${X}] + beta[${X}];`,
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
    temporaries: centers(rows),
    passes: [
      ...rowCenters("rowStd", x),
      pass("rowStd", {
        output: [rows],
        reads: { x: C, ...centerReads },
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
    temporaries: centers(rows),
    passes: [
      ...rowCenters("rowStdGrad", x),
      pass("rowStdGrad", {
        output: [C, rows],
        reads: { dstd: FLAT, x: C, std: FLAT, ...centerReads },
        writes: "dx",
        body: `return dstd[${Y}] * ${centered(Y, X)} / (${C} * std[${Y}]);`,
      }),
    ],
  };
};
