/** Products of stacks of matrices. What a model does with its weights is `linear`, which is this for one matrix and a bias. */
import { ShapeError } from "../errors.js";
import { contract, float32 } from "./contract.js";

/** Whether a is (G,k,m) in memory, or b (G,n,k). */
export interface MatmulAttributes {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/** a (G,m,k), b (G,k,n) → y (G,m,n). Where one of them has a G of 1, it is multiplied with each matrix of the other. */
export const matmul = contract<MatmulAttributes>()({
  inputs: ["a", "b"],
  outputs: ["y"],
  infer({ a, b }, { transposeA, transposeB }) {
    const shapes = { a: a.shape, b: b.shape };
    if (a.shape.length !== 3 || b.shape.length !== 3) {
      throw new ShapeError("matmul", "operands are stacks of matrices (G,rows,columns)", shapes);
    }
    const [m, k] = transposeA ? [a.shape[2], a.shape[1]] : [a.shape[1], a.shape[2]];
    const [kb, n] = transposeB ? [b.shape[2], b.shape[1]] : [b.shape[1], b.shape[2]];
    if (k !== kb) throw new ShapeError("matmul", `inner sizes ${k} and ${kb} differ`, shapes);
    const [Ga, Gb] = [a.shape[0], b.shape[0]];
    if (Ga !== Gb && Ga !== 1 && Gb !== 1) {
      throw new ShapeError("matmul", `stacks of ${Ga} and ${Gb} do not fit`, shapes, "One of them may be 1.");
    }
    return { y: float32([Ga === 1 ? Gb : Ga, m, n]) };
  },
  naive({ a, b }, { transposeA, transposeB }, { y }) {
    const [G, m, n] = y.shape;
    const k = transposeA ? a.shape[1] : a.shape[2];
    const [aRow, aColumn] = transposeA ? [1, m] : [k, 1];
    const [bRow, bColumn] = transposeB ? [1, k] : [n, 1];
    for (let g = 0; g < G; g++) {
      const fromA = a.shape[0] === 1 ? 0 : g * m * k;
      const fromB = b.shape[0] === 1 ? 0 : g * k * n;
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let l = 0; l < k; l++) {
            sum += a.data[fromA + i * aRow + l * aColumn] * b.data[fromB + l * bRow + j * bColumn];
          }
          y.data[(g * m + i) * n + j] = sum;
        }
      }
    }
  },
});
