import type { DType } from "../../dtype.js";
import type { Build, JsPass } from "../program.js";
import { FLAT, pass, X } from "../source.js";
import { KEEPS_NAN, numbersIn, UNARY } from "./operators.js";

function each(
  op: string,
  size: number,
  statements: string,
  floats: Readonly<Record<string, number>> = {},
): JsPass {
  return pass(op, {
    output: [size],
    reads: { x: FLAT },
    writes: "y",
    floats: { ...floats, ...numbersIn(statements) },
    body: `let v = x[${X}]; ${statements} return y;`,
  });
}

export const unary: Build<"unary"> = ({ x }, { op }) => ({
  passes: [each(`unary ${op}`, x.size, UNARY[op])],
});

export const clamp: Build<"clamp"> = ({ x }, { min, max }) => ({
  passes: [
    each(
      "clamp",
      x.size,
      `let y = v; if (y < least) { y = least; } if (y > most) { y = most; } ${KEEPS_NAN}`,
      {
        least: min,
        most: max,
      },
    ),
  ],
});

/** From float32; what is whole, or a bit, is so in every kind of value. */
const CAST: Readonly<Record<Exclude<DType, "bfloat16">, string>> = {
  float32: "let y = v;",
  int32: `let y = Math.floor(Math.abs(v)); if (y > 2147483648) { y = 2147483648; } if (v < 0) { y = -y; }
    let number = 0; if (v <= 0) { number = 1; } if (v > 0) { number = 1; }
    if (number < 0.5) { y = 0; }`,
  bool: "let y = 1; if (v == 0) { y = 0; }",
};

export const cast: Build<"cast"> = ({ x }, { to }) => ({
  passes: [each(`cast to ${to}`, x.size, CAST[to as keyof typeof CAST])],
});
