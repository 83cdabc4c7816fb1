/** The auxiliary loss of Baroni et al. 2025 (eq. 3), before its weight. */
import type { Tensor } from "@normless/tensor";
import { onTape, tapeOf, type Value, type Variable } from "../tape.js";

/** std (...), classes int32 (...) → scalar: mean of (std − target)², target the mean std of class rest, constant. */
export function stdSpread(std: Value, classes: Tensor): Variable {
  const tape = tapeOf("stdSpread", std);
  const sv = onTape(tape, std);
  const { loss, target } = tape.backend.run("stdSpread", { std: sv.tensor, classes }, {});
  return tape.record([loss, target], [sv], (dloss, gradients) => {
    gradients.add("stdSpreadGrad", { dloss, std: sv.tensor, target }, {}, { dstd: sv });
  });
}
