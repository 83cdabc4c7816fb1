/** Shapes that are repeated to fit each other, and strides as the way to read a tensor in another shape. */
import { ShapeError } from "./errors.js";
import { type Shape, sizeOf, stridesOf } from "./shape.js";

/**
 * NumPy's rule: shapes are aligned at their ends, and a size of 1 is repeated. @throws ShapeError naming `op`, all shapes and
 * the dimension that does not fit
 */
export function broadcastShapes(op: string, shapes: Readonly<Record<string, Shape>>): Shape {
  // Plain loops: every op on two tensors comes by here.
  const all: Shape[] = [];
  for (const name in shapes) all.push(shapes[name]);
  let rank = 0;
  for (const { length } of all) if (length > rank) rank = length;
  const sizes: number[] = [];
  for (let d = 0; d < rank; d++) {
    let size = 1;
    for (const shape of all) {
      const own = sizeAt(shape, d - rank);
      if (own === 1 || own === size) continue;
      if (size !== 1) throw misfit(op, shapes, d - rank);
      size = own;
    }
    sizes.push(size);
  }
  return sizes;
}

/** Of a dimension counted from the end; 1 where the shape has no such. */
const sizeAt = (shape: Shape, d: number): number => (-d > shape.length ? 1 : shape[shape.length + d]);

function misfit(op: string, shapes: Readonly<Record<string, Shape>>, d: number): ShapeError {
  const sizes = Object.values(shapes).map((shape) => sizeAt(shape, d));
  return new ShapeError(
    op,
    `shapes do not broadcast: dimension ${d} is ${sizes.join(" and ")}`,
    shapes,
    "Aligned at the end, sizes must be equal or 1; see unsqueeze and reshape.",
  );
}

/** The strides with which a tensor of `shape` is read as one of the shape `to` that it broadcasts to: 0 where it repeats. */
export function broadcastStrides(shape: Shape, to: Shape): number[] {
  const strides: number[] = [];
  const own = stridesOf(shape);
  const added = to.length - shape.length;
  for (let d = 0; d < to.length; d++) {
    strides.push(d < added || shape[d - added] === 1 ? 0 : own[d - added]);
  }
  return strides;
}

/** Where each element of `shape`, row-major, is in memory that is walked with these strides from `offset`. */
export function placesOf(shape: Shape, strides: readonly number[], offset = 0): Float64Array {
  let places = Float64Array.of(offset);
  shape.forEach((size, d) => {
    const next = new Float64Array(places.length * size);
    places.forEach((place, i) => {
      for (let j = 0; j < size; j++) next[i * size + j] = place + j * strides[d];
    });
    places = next;
  });
  return places;
}

/** The lowest and the highest place of `placesOf`. */
export function reachOf(shape: Shape, strides: readonly number[], offset: number): readonly [number, number] {
  let low = offset;
  let high = offset;
  for (let d = 0; d < shape.length; d++) {
    const last = (shape[d] - 1) * strides[d];
    if (last < 0) low += last;
    else high += last;
  }
  return sizeOf(shape) === 0 ? [0, -1] : [low, high];
}
