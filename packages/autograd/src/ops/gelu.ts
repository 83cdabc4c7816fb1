/** GELU: `tanh` is GPT-2's form, `none` the exact one. */
import type { GeluAttributes } from "@normless/tensor";
import { apply, type Result } from "../apply.js";
import type { Value } from "../tape.js";

/** GELU of every value, x (...) → (...). `tanh` is GPT-2's form, `none` the exact one. */
export function gelu<X extends Value>(x: X, approximate: GeluAttributes["approximate"] = "tanh"): Result<X> {
  return apply("gelu", [x], ([x], backend) => ({
    made: [backend.run("gelu", { x }, { approximate }).y],
    backward(dy, gradients, [xv]) {
      gradients.add("geluGrad", { dy, x }, { approximate }, { dx: xv });
    },
  }));
}
