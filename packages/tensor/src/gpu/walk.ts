/** Operands that are read in steps: what a kernel need not tell apart is put together before its text is written. */
import { broadcastStrides } from "../broadcast.js";
import type { Strides } from "../kernels/strided.js";
import type { Shape } from "../shape.js";
import type { Operand } from "./program.js";

/** How operands are walked while a result of `sizes` is made, row-major, each from its own offset. */
export interface Walk {
  readonly sizes: readonly number[];
  readonly strides: Readonly<Record<string, readonly number[]>>;
  readonly offsets: Readonly<Record<string, number>>;
}

/** The walk over `shape` with as few dimensions as can be: sizes of 1 go, and dimensions that all operands walk as one are one. */
export function walk(shape: Shape, operands: Readonly<Record<string, Strides>>): Walk {
  const names = Object.keys(operands);
  const sizes: number[] = [];
  const strides: Record<string, number[]> = Object.fromEntries(names.map((name) => [name, []]));
  shape.forEach((size, d) => {
    if (size === 1) return;
    const last = sizes.length - 1;
    const joins =
      last >= 0 && names.every((name) => strides[name][last] === operands[name].strides[d] * size);
    if (joins) sizes[last] *= size;
    else sizes.push(size);
    for (const name of names) strides[name][joins ? last : sizes.length - 1] = operands[name].strides[d];
  });
  return {
    sizes,
    strides,
    offsets: Object.fromEntries(names.map((name) => [name, operands[name].offset])),
  };
}

/** The walk of operands that are repeated to fit `shape`. */
export function broadcast(shape: Shape, operands: Readonly<Record<string, Operand>>): Walk {
  const steps = Object.entries(operands).map(([name, { shape: from }]) => {
    return [name, { strides: broadcastStrides(from, shape), offset: 0 }] as const;
  });
  return walk(shape, Object.fromEntries(steps));
}
