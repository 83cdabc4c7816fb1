/** Products of stacks: of matrices that lie one below the other, with their number as a workgroup's z. */
import type { Build } from "../../program.js";
import { product } from "../product.js";
import type { Tuning } from "../tuning.js";

/** The most that a dispatch has. */
const MOST = 65_535;

export const matmul =
  (tuning: Tuning): Build<"matmul"> =>
  ({ a, b }, { transposeA, transposeB }, { y }) => {
    const [G, n, m] = y.shape;
    const k = a.shape[transposeA ? 1 : 2];
    // Of one matrix on the right, what is on the left is one tall matrix.
    const tall = b.shape[0] === 1 && !transposeA;
    const [stepA, stepB] = [a, b].map(({ shape }) => (shape[0] === 1 ? 0 : shape[1]));
    const stacked = (first: number, count: number) =>
      product(
        {
          a: { buffer: "a", width: a.shape[2], top: first * stepA, layout: transposeA ? "inner" : "outer" },
          b: { buffer: "b", width: b.shape[2], top: first * stepB, layout: transposeB ? "outer" : "inner" },
          c: { buffer: "y", width: m, top: first * n },
          ...{ add: y.add, n: tall ? G * n : n, m, k },
          stack: count > 1 ? { count, a: stepA, b: stepB } : undefined,
        },
        tuning.products,
      );
    if (tall || G === 1) return { adds: ["y"], ...stacked(0, 1) };
    const firsts = Array.from({ length: Math.ceil(G / MOST) }, (_, i) => i * MOST);
    return {
      adds: ["y"],
      passes: firsts.flatMap((first) => stacked(first, Math.min(MOST, G - first)).passes),
    };
  };
