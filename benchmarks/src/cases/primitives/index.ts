/** The primitives that tfjs or jax-js has, too, by name: on matrices of s rows and columns, so that s² values go in or come out. */
import { alongDims } from "./along.js";
import { losses } from "./losses.js";
import { pairs } from "./pairs.js";
import { pointwise } from "./pointwise.js";
import type { Primitive } from "./primitive.js";
import { products } from "./products.js";
import { reductions } from "./reductions.js";
import { shapes } from "./shapes.js";

export type { Primitive } from "./primitive.js";

export const primitives: readonly Primitive[] = [
  ...pointwise,
  ...pairs,
  ...reductions,
  ...alongDims,
  ...shapes,
  ...products,
  ...losses,
];
