/** The auxiliary loss of Baroni et al. 2025 (eq. 3), before its weight. */
import type { Tensor } from "@normless/tensor";
import { apply, type Result } from "../apply.js";
import type { Value } from "../tape.js";

/** std (...), classes int32 (...) → scalar: mean of (std − target)², target the mean std of class rest, constant. */
export function stdSpread<X extends Value>(std: X, classes: Tensor): Result<X> {
  return apply("stdSpread", [std], ([std], backend) => {
    const { loss, target } = backend.run("stdSpread", { std, classes }, {});
    return {
      made: [loss, target],
      backward(dloss, gradients, [sv]) {
        gradients.add("stdSpreadGrad", { dloss, std, target }, {}, { dstd: sv });
      },
    };
  });
}
