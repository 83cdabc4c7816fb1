/** Copies in steps, in place where they go into a tensor, and what is made of nothing. */
import type { Build } from "../../program.js";
import { walk } from "../../walk.js";
import { assign as into, onto } from "../into.js";
import { each } from "../pass.js";
import { keyOf, places } from "../source/walk.js";

export const strided: Build<"strided"> = (_operands, { shape, strides, offset }, { y }) => {
  const steps = walk(shape, { x: { strides, offset } });
  return {
    adds: ["y"],
    passes: [
      each(
        { key: `strided${y.add ? " add" : ""} ${keyOf(steps)}`, reads: { x: "x" }, writes: { y: "y" } },
        y.size,
        `${places(steps)}\n  y[i] ${into(y)} x[at_x];`,
      ),
    ],
  };
};

export const assign: Build<"assign"> = ({ x }, { strides, offset }) => {
  const steps = walk(x.shape, { y: { strides, offset } });
  return {
    passes: [
      each(
        { key: `assign ${keyOf(steps)}`, reads: { x: "x" }, writes: { y: "y" } },
        x.size,
        `${places(steps)}\n  y[at_y] = x[i];`,
        { over: "x" },
      ),
    ],
  };
};

export const full: Build<"full"> = (_operands, { value = 0 }, { y }) =>
  onto("full", {}, "u.value", { value })("y", y);

/** Beyond 2^24 a number of a value is no float any more, nor need it be: neighbours are then equal to rounding. */
export const range: Build<"range"> = (_operands, { start, step }, { y }) =>
  onto("range", {}, "fma(u.step, f32(i), u.start)", { start, step })("y", y);
