import { lastDim, rowsOf } from "../../shape.js";
import type { Build } from "../program.js";
import { FLAT, pass, sumOf, X, Y } from "../source.js";
import { centered, centerReads, centers, rowCenters } from "./layer-norm.js";

/** Statements that declare `s`, the frozen std of a row, out of the floats first, eot and rest. */
function stdOf(n: string): string {
  return `let s = rest; if (classes[${n}] < 0.5) { s = first; } else if (classes[${n}] < 1.5) { s = eot; }`;
}

export const frozenNorm: Build<"frozenNorm"> = ({ x }, { std: { first, eot, rest } }) => {
  const C = lastDim(x.shape);
  const rows = rowsOf(x.shape);
  return {
    temporaries: centers(rows),
    passes: [
      ...rowCenters("frozenNorm", x),
      pass("frozenNorm", {
        output: [C, rows],
        reads: { x: C, gamma: FLAT, beta: FLAT, classes: FLAT, ...centerReads },
        writes: "y",
        floats: { first, eot, rest },
        body: `${stdOf(Y)} return ${centered(Y, X)} / s * gamma[${X}] + beta[${X}];`,
      }),
    ],
  };
};

export const frozenNormGrad: Build<"frozenNormGrad"> = ({ x }, { std: { first, eot, rest } }) => {
  const C = lastDim(x.shape);
  const rows = rowsOf(x.shape);
  const floats = { first, eot, rest };
  return {
    temporaries: { ...centers(rows), meanA: rows, s: rows },
    passes: [
      ...rowCenters("frozenNormGrad", x),
      pass("frozenNormGrad", {
        output: [rows],
        reads: { classes: FLAT },
        writes: "s",
        floats,
        body: `${stdOf(X)} return s;`,
      }),
      pass("frozenNormGrad", {
        output: [rows],
        reads: { dy: C, gamma: FLAT, s: FLAT },
        writes: "meanA",
        body: `${sumOf("sum", C, (c) => `dy[${X}][${c}] * gamma[${c}]`)} return sum / (s[${X}] * ${C});`,
      }),
      pass("frozenNormGrad", {
        output: [C, rows],
        reads: { dy: C, gamma: FLAT, s: FLAT, meanA: FLAT },
        writes: "dx",
        body: `return dy[${Y}][${X}] * gamma[${X}] / s[${Y}] - meanA[${Y}];`,
      }),
      pass("frozenNormGrad", {
        output: [C],
        reads: { dy: C, x: C, ...centerReads, s: FLAT },
        writes: "dgamma",
        body: `${sumOf("sum", rows, (n) => `dy[${n}][${X}] * ${centered(n, X)} / s[${n}]`)} return sum;`,
      }),
      pass("frozenNormGrad", {
        output: [C],
        reads: { dy: C },
        writes: "dbeta",
        body: `${sumOf("sum", rows, (n) => `dy[${n}][${X}]`)} return sum;`,
      }),
    ],
  };
};
