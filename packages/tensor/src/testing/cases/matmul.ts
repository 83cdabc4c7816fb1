/** Cases of stacks of matrices: odd sizes, either side transposed, either side alone. */
import { random } from "../values.js";
import { type CasesOf, label } from "./case.js";

const SIZES: readonly (readonly [m: number, k: number, n: number])[] = [
  [1, 1, 1],
  [1, 33, 9],
  [5, 7, 1],
  [5, 7, 9],
  [33, 65, 41],
  [36, 64, 40],
  [3, 300, 20],
];
const STACKS = [
  [1, 1],
  [3, 3],
  [1, 3],
  [3, 1],
] as const;

/** Cases by kernel: see the head of this file. */
export const matmulCases: CasesOf<"matmul"> = {
  matmul: SIZES.flatMap(([m, k, n]) =>
    STACKS.flatMap(([Ga, Gb]) =>
      [0, 1, 2, 3].map((bits) => {
        const [transposeA, transposeB] = [(bits & 1) > 0, (bits & 2) > 0];
        return {
          name: `${Ga}:${Gb} of ${label(m, k, n)}${transposeA ? " aᵀ" : ""}${transposeB ? " bᵀ" : ""}`,
          inputs: {
            a: random(transposeA ? [Ga, k, m] : [Ga, m, k], 1),
            b: random(transposeB ? [Gb, n, k] : [Gb, k, n], 2),
          },
          attributes: { transposeA, transposeB },
        };
      }),
    ),
  ),
};
