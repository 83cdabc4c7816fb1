/** What goes pair by pair, or by a condition, with broadcasting. */
import type { Build, Operand, Result } from "../../program.js";
import { broadcast } from "../../walk.js";
import { binaryFunction } from "../source/operators.js";
import { keyOf, places } from "../source/walk.js";
import { assign } from "../into.js";
import { each } from "../pass.js";

function made(
  key: string,
  operands: Readonly<Record<string, Operand>>,
  y: Result,
  value: string,
  helpers = "",
) {
  const walk = broadcast(y.shape, operands);
  return {
    adds: ["y"],
    passes: [
      each(
        {
          key: `${key}${y.add ? " add" : ""} ${keyOf(walk)}`,
          reads: Object.fromEntries(Object.keys(operands).map((name) => [name, name])),
          writes: { y: "y" },
        },
        y.size,
        `${places(walk)}\n  y[i] ${assign(y)} ${value};`,
        { helpers },
      ),
    ],
  };
}

export const binary: Build<"binary"> = ({ a, b }, { op }, { y }) =>
  made(`binary ${op}`, { a, b }, y, "apply(a[at_a], b[at_b])", binaryFunction(op));

export const where: Build<"where"> = ({ condition, a, b }, _attributes, { y }) =>
  made("where", { condition, a, b }, y, "select(b[at_b], a[at_a], condition[at_condition] > 0.5)");
