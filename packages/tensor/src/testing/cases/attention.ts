/** Cases of attention, with and without a cache. */
import { random, values } from "../values.js";
import { type Case, type CasesOf, forward, label } from "./case.js";

const ATTENTION: { B: number; T: number; C: number; heads: number }[] = [
  { B: 1, T: 1, C: 1, heads: 1 },
  { B: 2, T: 5, C: 6, heads: 2 },
  { B: 1, T: 17, C: 24, heads: 3 },
  { B: 2, T: 33, C: 32, heads: 4 },
  { B: 1, T: 130, C: 64, heads: 2 },
  { B: 1, T: 70, C: 15, heads: 3 },
];

function attentionGradCase(
  B: number,
  T: number,
  C: number,
  heads: number,
  scale: number,
): Case<"attentionGrad"> {
  const [q, k, v] = [1, 2, 3].map((seed) => random([B, T, C], seed, seed < 3 ? scale : 1));
  const out = forward("attention", { q, k, v }, { heads });
  return {
    name: `${label(B, T, C)} ${heads} heads, scale ${scale}`,
    inputs: { dy: random([B, T, C], 4), q, k, v, y: out("y"), lse: out("lse") },
    attributes: { heads },
    ...(scale > 5 && { tolerance: 1e-4 }),
  };
}

/** Cases by kernel: see the head of this file. */
export const attentionCases: CasesOf<"attention" | "attentionGrad" | "writeRows"> = {
  attention: [
    ...ATTENTION.flatMap(({ B, T, C, heads }) =>
      [1, 20].map((scale) => ({
        name: `${label(B, T, C)} ${heads} heads, scale ${scale}`,
        inputs: { q: random([B, T, C], 1, scale), k: random([B, T, C], 2, scale), v: random([B, T, C], 3) },
        attributes: { heads },
        ...(scale > 5 && { tolerance: 1e-4 }),
      })),
    ),
    // One channel: the scores are exact, and all but the largest of a row count for nothing.
    {
      name: "scores far apart",
      inputs: {
        q: values([1e19, -1e19, 1, 1e19], [1, 4, 1]),
        k: values([1e19, -1e19, 3e18, 0], [1, 4, 1]),
        v: random([1, 4, 1], 3),
      },
      attributes: { heads: 1 },
    },
    {
      name: "one query on a cache",
      inputs: { q: random([2, 1, 24], 1), k: random([2, 40, 24], 2), v: random([2, 40, 24], 3) },
      attributes: { heads: 3, keys: 37 },
    },
    {
      name: "some queries on a cache",
      inputs: { q: random([2, 5, 24], 1), k: random([2, 40, 24], 2), v: random([2, 40, 24], 3) },
      attributes: { heads: 2, keys: 19 },
    },
  ],
  attentionGrad: [
    ...ATTENTION.map(({ B, T, C, heads }) => attentionGradCase(B, T, C, heads, 1)),
    attentionGradCase(1, 40, 24, 3, 8),
  ],
  writeRows: [
    {
      name: "in the middle",
      inputs: { cache: random([2, 9, 5], 1), rows: random([2, 3, 5], 2) },
      attributes: { at: 4 },
    },
    {
      name: "one row",
      inputs: { cache: random([1, 3, 8], 1), rows: random([1, 1, 8], 2) },
      attributes: { at: 2 },
    },
  ],
};
