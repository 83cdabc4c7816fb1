/** From rules, which make the gradients of an op's operands out of tensors, to where those belong. */
import { enroll, scope, type Tensor } from "@normless/tensor";
import { summedTo } from "./axes.js";
import type { Gradients, Variable } from "./tape.js";

/** An operand, and the rule for its gradient, in its own shape or one that it was repeated to. */
export type Share = readonly [operand: Variable | undefined, rule: () => Tensor];

/** Runs the rules of operands that need a gradient; what they make on the way goes at their end. A rule may give `dy` itself. */
export function sendBack(dy: Tensor, gradients: Gradients, output: Variable, shares: readonly Share[]): void {
  const asItIs: Variable[] = [];
  for (const [operand, rule] of shares) {
    if (!operand?.needsGrad) continue;
    const dx = scope(() => {
      const whole = rule();
      return summedTo(whole === dy ? dy : enroll(whole), operand.shape);
    });
    if (dx === dy) asItIs.push(operand);
    else gradients.give(operand, dx);
  }
  if (asItIs.length > 0) gradients.pass(output, asItIs);
}
