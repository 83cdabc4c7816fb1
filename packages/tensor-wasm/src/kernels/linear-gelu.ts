import { gelu } from "./gelu.js";
import type { Implementation } from "./implementation.js";
import { linear } from "./linear.js";

export const linearGelu: Implementation<"linearGelu"> = {
  run(engine, operands, attributes, { h, y }) {
    linear.run(engine, operands, {}, { y: h });
    gelu.run(engine, { x: h }, { approximate: attributes.gelu }, { y });
  },
};
