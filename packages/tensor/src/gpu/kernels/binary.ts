import type { Build } from "../program.js";
import { broadcast } from "../walk.js";
import { BINARY, numbersIn } from "./operators.js";
import { walked } from "./walked.js";

export const binary: Build<"binary"> = (operands, { op }, { y: { shape, size } }) => ({
  passes: [
    walked(`binary ${op}`, {
      ...{ walk: broadcast(shape, operands), operands, size, writes: "y" },
      floats: numbersIn(BINARY[op]),
      body: `let v = a[at_a]; let w = b[at_b]; ${BINARY[op]} return y;`,
    }),
  ],
});

export const where: Build<"where"> = (operands, _attributes, { y: { shape, size } }) => ({
  passes: [
    walked("where", {
      ...{ walk: broadcast(shape, operands), operands, size, writes: "y" },
      body: `let y = b[at_b]; if (condition[at_condition] > 0.5) { y = a[at_a]; } return y;`,
    }),
  ],
});
