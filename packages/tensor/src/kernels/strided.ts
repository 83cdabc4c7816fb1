/** Copies between memory that is walked in steps and memory in a row: permuting, slicing, flipping, repeating, joining. */
import { placesOf, reachOf } from "../broadcast.js";
import { type DType, toDType } from "../dtype.js";
import { BackendError, ShapeError } from "../errors.js";
import { type Shape, sizeOf } from "../shape.js";
import { ANY, contract, NUMBERS } from "./contract.js";

/** How far apart neighbours are in memory, in values, along each dimension, and where the first one is. */
export interface Strides {
  readonly strides: readonly number[];
  readonly offset: number;
}

/** Also the shape that is read. */
export interface StridedAttributes extends Strides {
  readonly shape: Shape;
}

/** @throws ShapeError where a walk leaves the memory of a tensor of `size` values */
function checkReach(op: string, walked: Shape, { strides, offset }: Strides, within: Shape): void {
  const [low, high] = reachOf(walked, strides, offset);
  if (strides.length === walked.length && low >= 0 && high < sizeOf(within)) return;
  throw new ShapeError(op, `strides ${strides.join(",")} from ${offset} leave the tensor`, {
    walked,
    tensor: within,
  });
}

/** x (any shape) → y (shape): y[i,j,…] is x's value at offset + i·strides[0] + j·strides[1] + …; strides may be 0 or negative. */
export const strided = contract<StridedAttributes>()({
  inputs: ["x"],
  dtypes: { x: ANY },
  outputs: ["y"],
  infer({ x }, { shape, ...walk }) {
    checkReach("strided", shape, walk, x.shape);
    return { y: { shape, dtype: x.dtype } };
  },
  naive({ x }, { shape, strides, offset }, { y }) {
    placesOf(shape, strides, offset).forEach((place, i) => (y.data[i] = x.data[place]));
  },
});

/** The other way: y's value at offset + i·strides[0] + … becomes x[i,j,…], in place. No two may go to one place. */
export const assign = contract<Strides>()({
  inputs: ["y", "x"],
  dtypes: { y: ANY, x: ANY },
  outputs: [],
  mutates: ["y"],
  infer({ y, x }, walk) {
    if (x.dtype !== y.dtype) throw new BackendError(`assign: x is ${x.dtype} and y is ${y.dtype}; cast x`);
    checkReach("assign", x.shape, walk, y.shape);
    return {};
  },
  naive({ y, x }, { strides, offset }) {
    placesOf(x.shape, strides, offset).forEach((place, i) => (y.data[place] = x.data[i]));
  },
});

/** One value for all of a shape. */
export interface FullAttributes {
  readonly shape: Shape;
  /** Left out by who writes every value next, before anybody reads one: then they are whatever the memory held. */
  readonly value?: number;
  readonly dtype: DType;
}

/** y (shape), the same value everywhere. */
export const full = contract<FullAttributes>()({
  inputs: [],
  outputs: ["y"],
  infer: (_inputs, { shape, dtype }) => ({ y: { shape, dtype } }),
  naive(_inputs, { value = 0 }, { y }) {
    y.data.fill(y.dtype === "bfloat16" ? toDType([value], y.dtype)[0] : value);
  },
});

/** How many values, from where, how far apart. */
export interface RangeAttributes {
  readonly size: number;
  readonly start: number;
  readonly step: number;
  readonly dtype: DType;
}

/** y (size): start, start + step, start + 2·step, … float32 or int32. */
export const range = contract<RangeAttributes>()({
  inputs: [],
  outputs: ["y"],
  infer(_inputs, { size, dtype }) {
    if (!NUMBERS.includes(dtype))
      throw new BackendError(`range: it is of ${NUMBERS.join(" or ")}, not ${dtype}`);
    return { y: { shape: [size], dtype } };
  },
  naive(_inputs, { start, step }, { y }) {
    for (let i = 0; i < y.data.length; i++) y.data[i] = start + step * i;
  },
});
