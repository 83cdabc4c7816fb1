/** Losses. */
import { crossEntropy, mse } from "@normless/autograd";
import { integers, type Value } from "@normless/tensor/testing";
import { named } from "../../peers/op-peer.js";
import { type Primitive, SUM_OF_ALL, two, x } from "./primitive.js";

export const losses: readonly Primitive[] = [
  {
    ...two("mse", (a, b) => mse(a, b), [named("losses.meanSquaredError"), undefined]),
    tolerance: SUM_OF_ALL,
  },
  two(
    "crossEntropy of probabilities",
    (logits, targets) => crossEntropy(logits, targets),
    [{ call: (tf, [logits, targets]) => tf("losses.softmaxCrossEntropy")(targets, logits) }, undefined],
    [x, (s) => onePerRow(s)],
  ),
];

/** One 1 in each row. */
function onePerRow(s: number): Value {
  const data = new Float32Array(s * s);
  for (const [row, id] of integers([s], 2, s).data.entries()) data[row * s + id] = 1;
  return { shape: [s, s], data };
}
