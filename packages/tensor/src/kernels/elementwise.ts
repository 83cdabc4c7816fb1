/** A scaling by a number and by a scalar on the backend, which copies and accumulates, too; a full sum; filling in place. */
import { ShapeError } from "../errors.js";
import { contract, float32, type None } from "./contract.js";

/** factor · by · x, where `by` is a scalar that is only known on the backend. */
export const scale = contract<{ readonly factor: number }>()({
  inputs: ["x"],
  optional: ["by"],
  outputs: ["y"],
  infer({ x, by }) {
    if (by && by.shape.length !== 0) {
      throw new ShapeError("scale", "is by a scalar", { x: x.shape, by: by.shape }, "See mul.");
    }
    return { y: float32(x.shape) };
  },
  naive({ x, by }, { factor }, { y }) {
    const by0 = by ? by.data[0] : 1;
    for (let i = 0; i < y.data.length; i++) y.data[i] = x.data[i] * by0 * factor;
  },
});

/** The sum of all values, a scalar. */
export const sum = contract<None>()({
  inputs: ["x"],
  outputs: ["y"],
  infer: () => ({ y: float32([]) }),
  naive({ x }, _attributes, { y }) {
    let total = 0;
    for (const value of x.data) total += value;
    y.data[0] = total;
  },
});

/** Sets every value, in place. */
export const fill = contract<{ readonly value: number }>()({
  inputs: ["x"],
  outputs: [],
  mutates: ["x"],
  infer: () => ({}),
  naive({ x }, { value }) {
    x.data.fill(value);
  },
});
