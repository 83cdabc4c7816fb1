/** linear with GELU in the product's epilogue: h is still in registers when gelu(h) is written. */
import type { Build } from "../../program.js";
import { linearPasses } from "./linear.js";
import type { Tuning } from "../tuning.js";

export const linearGelu =
  (tuning: Tuning): Build<"linearGelu"> =>
  (operands, { gelu }) =>
    // Neither output honours `add`: y is of the new h alone.
    linearPasses(operands, {}, { name: "h", add: false, gelu: { buffer: "y", form: gelu } }, tuning);
