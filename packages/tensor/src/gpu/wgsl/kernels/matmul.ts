/**
 * Products of stacks: of matrices that lie one below the other, with their number as a workgroup's z. Small ones, of which a
 * workgroup's tile would be empty for the most part, go value by value.
 */
import type { InputsOf } from "../../../backend.js";
import type { MatmulAttributes } from "../../../kernels/matmul.js";
import type { Build, Operand, Program, Result } from "../../program.js";
import { assign } from "../into.js";
import { each } from "../pass.js";
import { product } from "../product/product.js";
import { sizes } from "../sizes.js";
import type { Tuning } from "../tuning.js";

/** The most that a dispatch has. */
const MOST = 65_535;
/** The longest side of a small result, and the longest sum that one thread adds up. */
const [SMALL, SHORT] = [16, 256];

/** A thread for each value of a small one. */
function perValue(
  { a, b }: InputsOf<"matmul", Operand>,
  { transposeA, transposeB }: MatmulAttributes,
  y: Result,
): Program {
  const [, n, m] = y.shape;
  const k = a.shape[transposeA ? 1 : 2];
  const [stackA, stackB] = [a, b].map(({ shape, size }) => (shape[0] === 1 ? 0 : size / shape[0]));
  const { uniforms, declare } = sizes({ n, m, k, stackA, stackB });
  const [rowA, stepA] = transposeA ? ["1", "n"] : ["k", "1"];
  const [columnB, stepB] = transposeB ? ["k", "1"] : ["1", "m"];
  return {
    adds: ["y"],
    passes: [
      each(
        {
          key: `matmul by value ${rowA} ${columnB}${y.add ? " add" : ""}`,
          ...{ reads: { a: "a", b: "b" }, writes: { y: "y" }, uniforms },
        },
        y.size,
        `${declare}
  let g = i / (n * m);
  var at_a = g * stackA + i / m % n * ${rowA};
  var at_b = g * stackB + i % m * ${columnB};
  var sum = 0.0;
  for (var l = 0u; l < k; l++) {
    sum += a[at_a] * b[at_b];
    at_a += ${stepA};
    at_b += ${stepB};
  }
  y[i] ${assign(y)} sum;`,
      ),
    ],
  };
}

export const matmul =
  (tuning: Tuning): Build<"matmul"> =>
  (operands, attributes, { y }) => {
    const { a, b } = operands;
    const { transposeA, transposeB } = attributes;
    const [G, n, m] = y.shape;
    const k = a.shape[transposeA ? 1 : 2];
    if (Math.max(n, m) <= SMALL && k <= SHORT) return perValue(operands, attributes, y);
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
