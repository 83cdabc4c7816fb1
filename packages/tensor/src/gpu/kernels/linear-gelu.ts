import type { Build } from "../program.js";
import { geluPass } from "./gelu.js";
import { linearPass } from "./linear.js";

export const linearGelu: Build<"linearGelu"> = (operands, { gelu }, { h, y }) => ({
  passes: [linearPass(operands, {}, { name: "h", shape: h.shape }), geluPass(y.size, gelu, "h")],
});
