import type { Build } from "../program.js";
import { divide, pass, sumOf, X, Y } from "../source.js";

/** One thread a result; the matrices of a stack are one below the other. */
export const matmul: Build<"matmul"> = ({ a, b }, { transposeA, transposeB }, { y }) => {
  const [G, m, n] = y.shape;
  const k = a.shape[transposeA ? 1 : 2];
  const row = (stack: number, rows: number, i: string) => (stack === 1 ? i : `g * ${rows} + ${i}`);
  const left = (l: string) =>
    transposeA ? `a[${row(a.shape[0], k, l)}][r]` : `a[${row(a.shape[0], m, "r")}][${l}]`;
  const right = (l: string) =>
    transposeB ? `b[${row(b.shape[0], n, X)}][${l}]` : `b[${row(b.shape[0], k, l)}][${X}]`;
  return {
    passes: [
      pass("matmul", {
        output: [n, G * m],
        reads: { a: a.shape[2], b: b.shape[2] },
        writes: "y",
        body: `${divide(Y, m, "g", "r")} ${sumOf("sum", k, (l) => `${left(l)} * ${right(l)}`)} return sum;`,
      }),
    ],
  };
};
