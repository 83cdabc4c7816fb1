/** Products of stacks of matrices: of large ones one after the other, shared by all threads; of small ones, many at once. */
import type { Product } from "../product.js";
import { product } from "./gemm.js";
import { flag, type Implementation, unitsOf } from "./implementation.js";

/** Operations from which a matrix of a stack is worth sharing, and up to which one alone is not. */
const LARGE = 2 * 192 ** 3;
const SMALL = 2 * 48 ** 3;
/** Operations of a unit, at least; rows of A that are packed at once (assembly/stack.ts). */
const UNIT = 1 << 17;
const ROWS = 96;
const RATE = 20;

export const matmul: Implementation<"matmul"> = {
  accumulates: true,
  run(engine, { a, b }, { transposeA = false, transposeB = false }, { y }) {
    const [G, m, n] = y.shape;
    const [Ga, Gb] = [a.shape[0], b.shape[0]];
    const k = transposeA ? a.shape[1] : a.shape[2];
    if (y.size === 0) return;
    const operations = 2 * m * n * k;
    const small = G === 1 && operations <= SMALL;
    // The rows of a whole stack on one matrix are those of one product.
    if (Gb === 1 && !transposeA && !small) {
      return product(engine, oneProduct(G * m, a.pointer, b.pointer, y.pointer));
    }
    if ((G === 1 && !small) || operations >= LARGE) {
      for (let g = 0; g < G; g++) {
        const [fromA, fromB] = [Ga === 1 ? 0 : g * m * k, Gb === 1 ? 0 : g * k * n];
        const task = oneProduct(m, a.pointer + 4 * fromA, b.pointer + 4 * fromB, y.pointer + 4 * g * m * n);
        engine.scoped(() => product(engine, task));
      }
      return;
    }
    const matrices = Math.max(1, Math.floor(UNIT / Math.max(operations, 1)));
    const length = Math.min(k + 7, 256);
    const perThread = Math.ceil((4 * length * (((n + 7) & ~7) + Math.min(m + 6, ROWS))) / 64) * 64 + 64;
    const ofA = [a.pointer, Ga === 1 ? 0 : 4 * m * k, flag(transposeA)];
    const ofB = [b.pointer, Gb === 1 ? 0 : 4 * k * n, flag(transposeB)];
    const scratch = engine.scratch(engine.threads * perThread);
    const rest = [y.pointer, m, n, k, flag(y.add), G, matrices, scratch, perThread];
    engine.run("stack", unitsOf(G, matrices), (G * operations) / RATE, [...ofA, ...ofB, ...rest]);

    /** Of `M` rows. Of vectors the memory is the same whichever way they stand. */
    function oneProduct(M: number, aAt: number, bAt: number, cAt: number): Product {
      if (n === 1 && M > 1) {
        return {
          M: 1,
          N: M,
          K: k,
          add: y.add,
          a: { pointer: bAt, stride: k },
          b: { pointer: aAt, stride: transposeA ? M : k, transposed: !transposeA },
          c: { pointer: cAt, stride: M },
        };
      }
      return {
        M,
        N: n,
        K: k,
        add: y.add,
        a: { pointer: aAt, stride: transposeA && M > 1 ? M : k, transposed: transposeA && M > 1 },
        b: { pointer: bAt, stride: transposeB ? k : n, transposed: transposeB },
        c: { pointer: cAt, stride: n },
      };
    }
  },
};
