/**
 * Weights of products as float16: half the bytes to read, while sums, gradients and the weights themselves stay float32.
 * A kernel packs a weight once, and the executor keeps that until the weight changes. It needs no shader-f16.
 */
import type { Operand, Program } from "../program.js";
import { each } from "./pass.js";

/** The largest float16; larger values become it. */
const MOST = 65504;

/** Where a product finds a weight, and what has to be made for that. */
export interface StoredWeight {
  readonly place: { readonly buffer: string; readonly half: boolean };
  readonly derived: NonNullable<Program["derived"]>;
}

/** Of the operand `w`, or the one of that `name`. */
export function storedWeight({ size }: Operand, f16: boolean, name = "w"): StoredWeight {
  if (!f16) return { place: { buffer: name, half: false }, derived: {} };
  const buffer = `${name} as float16`;
  // In whole vectors of four values.
  const words = Math.ceil(size / 4) * 2;
  const pass = each(
    { key: "to float16", reads: { x: name }, writes: { y: { buffer, type: "u32" } } },
    words,
    `let last = arrayLength(&x) - 1;
  let pair = vec2f(x[min(i * 2, last)], x[min(i * 2 + 1, last)]);
  y[i] = pack2x16float(clamp(pair, vec2f(-${MOST}.0), vec2f(${MOST}.0)));`,
  );
  return { place: { buffer, half: true }, derived: { [buffer]: { of: name, size: words, pass } } };
}
