import { placesOf } from "../../broadcast.js";
import type { Build } from "../program.js";
import { FLAT, pass, X } from "../source.js";
import { walk } from "../walk.js";
import { walked } from "./walked.js";

export const strided: Build<"strided"> = ({ x }, { shape, strides, offset }, { y }) => ({
  passes: [
    walked("strided", {
      walk: walk(shape, { x: { strides, offset } }),
      ...{ operands: { x }, size: y.size, writes: "y" },
      body: "return x[at_x];",
    }),
  ],
});

/** A kernel of gpu.js cannot choose where it writes, so that the host lists for every value of y which of x it takes, if any. */
export const assign: Build<"assign"> = ({ y, x }, { strides, offset }) => {
  const from = new Float32Array(y.size).fill(-1);
  placesOf(x.shape, strides, offset).forEach((place, i) => (from[place] = i));
  return {
    tables: { from },
    passes: [
      pass("assign", {
        output: [y.size],
        reads: { y: FLAT, x: FLAT, from: FLAT },
        writes: "assigned",
        body: `let place = from[${X}]; let value = y[${X}]; if (place >= 0) { value = x[place]; } return value;`,
      }),
    ],
    replaces: { y: "assigned" },
  };
};

export const full: Build<"full"> = (_operands, { value = 0 }, { y }) => ({
  passes: [
    pass("full", { output: [y.size], reads: {}, writes: "y", floats: { value }, body: "return value;" }),
  ],
});

export const range: Build<"range"> = (_operands, { start, step }, { y }) => ({
  passes: [
    pass("range", {
      output: [y.size],
      reads: {},
      writes: "y",
      floats: { start, step },
      body: `return start + step * ${X};`,
    }),
  ],
});
