/** Scalings with a factor that is known beforehand, and a squared distance. */
import { apply, compose, type Result } from "../apply.js";
import type { Value } from "../tape.js";
import { sub } from "./binary.js";
import { mean } from "./reductions.js";
import { square } from "./unary.js";

/** factor · x. */
export function scale<X extends Value>(x: X, factor: number): Result<X> {
  return apply("scale", [x], ([x], backend) => ({
    made: [backend.run("scale", { x }, { factor }).y],
    backward(dy, gradients, [xv]) {
      gradients.add("scale", { x: dy }, { factor }, { y: xv });
    },
  }));
}

/** The mean of (x − target)², a scalar. */
export function squaredDistance<X extends Value>(x: X, target: number): Result<X> {
  return compose("squaredDistance", [x], (x) => mean(square(sub(x, target))));
}
