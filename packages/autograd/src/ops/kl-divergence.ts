/** The language-model head with the loss of distillation, in row chunks: neither model's logits are kept. */
import type { Tensor } from "@normless/tensor";
import { onTape, tapeOf, type Value, type Variable } from "../tape.js";
import { weightedLoss, withWeights } from "./weighted-loss.js";

/** What a teacher's head reads and is: x (...,D), w (V,D), bias (V). Nothing flows back into it. */
export interface Teacher {
  readonly x: Tensor;
  readonly w: Tensor;
  readonly bias?: Tensor | undefined;
}

/**
 * weight · Σ KL(teacher ‖ head) in nats over all tokens of x (...,C), with the weight w (V,C) and a bias (V): a scalar. Loss
 * and gradient are made out of the same logits; both are exactly 0 where the two predict the same bits.
 */
export function weightedKlDivergence(
  x: Value,
  { w, bias, teacher }: { readonly w: Value; readonly bias?: Value | undefined; readonly teacher: Teacher },
  weight: number,
): Variable {
  const tape = tapeOf("weightedKlDivergence", x, w, bias);
  const [xv, wv] = [onTape(tape, x), onTape(tape, w)];
  const bv = bias && onTape(tape, bias);
  const inputs = {
    ...{ x: xv.tensor, w: wv.tensor, bias: bv?.tensor },
    ...{ teacherX: teacher.x, teacherW: teacher.w, teacherBias: teacher.bias },
  };
  const made = withWeights(xv, weight, (dloss) =>
    tape.backend.run("linearKlDivergenceGrad", { dloss, ...inputs }, {}),
  );
  return weightedLoss(made, { xv, wv, bv }, weight);
}
