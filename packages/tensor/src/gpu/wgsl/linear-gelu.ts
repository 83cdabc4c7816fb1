import type { Build } from "../program.js";
import { geluPass } from "./elementwise.js";
import { linearPass } from "./linear.js";
import type { ProductTuning } from "./product.js";

export const linearGelu =
  (tuning: ProductTuning): Build<"linearGelu"> =>
  (operands, { gelu }, { y }) => ({
    passes: [linearPass(operands, {}, { name: "h", add: false }, tuning), geluPass(y.size, gelu, "h")],
  });
