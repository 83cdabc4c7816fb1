/** GELU: `tanh` is GPT-2's form, `none` the exact one. */
import type { GeluAttributes } from "@normless/tensor";
import { onTape, tapeOf, type Value, type Variable } from "../tape.js";

/** GELU of every value, x (...) → (...). `tanh` is GPT-2's form, `none` the exact one. */
export function gelu(x: Value, approximate: GeluAttributes["approximate"] = "tanh"): Variable {
  const tape = tapeOf("gelu", x);
  const xv = onTape(tape, x);
  const { y } = tape.backend.run("gelu", { x: xv.tensor }, { approximate });
  return tape.record([y], [xv], (dy, gradients) => {
    gradients.add("geluGrad", { dy, x: xv.tensor }, { approximate }, { dx: xv });
  });
}
