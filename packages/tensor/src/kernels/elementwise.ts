/** Elementwise sums, products and scalings, and the full reduction with its gradient. No broadcasting but `expand`. */
import { ShapeError } from "../errors.js";
import { type Shape, sameShape } from "../shape.js";
import type { Shaped } from "./contract.js";
import { contract, float32, type None } from "./contract.js";

function sameShapes(op: string, a: Shaped, b: Shaped) {
  if (!sameShape(a.shape, b.shape)) {
    throw new ShapeError(
      op,
      "operands differ in shape",
      { a: a.shape, b: b.shape },
      "Nothing broadcasts here.",
    );
  }
  return { y: float32(a.shape) };
}

/** y = a + b, all of one shape. */
export const add = contract<None>()({
  inputs: ["a", "b"],
  outputs: ["y"],
  infer: ({ a, b }) => sameShapes("add", a, b),
  naive({ a, b }, _attributes, { y }) {
    for (let i = 0; i < y.data.length; i++) y.data[i] = a.data[i] + b.data[i];
  },
});

/** y = a · b, element by element, all of one shape. */
export const mul = contract<None>()({
  inputs: ["a", "b"],
  outputs: ["y"],
  infer: ({ a, b }) => sameShapes("mul", a, b),
  naive({ a, b }, _attributes, { y }) {
    for (let i = 0; i < y.data.length; i++) y.data[i] = a.data[i] * b.data[i];
  },
});

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

/** A scalar repeated over a shape: the gradient of `sum`. */
export const expand = contract<{ readonly shape: Shape }>()({
  inputs: ["x"],
  outputs: ["y"],
  infer({ x }, { shape }) {
    if (x.shape.length !== 0) throw new ShapeError("expand", "takes a scalar", { x: x.shape });
    return { y: float32(shape) };
  },
  naive({ x }, _attributes, { y }) {
    y.data.fill(x.data[0]);
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
