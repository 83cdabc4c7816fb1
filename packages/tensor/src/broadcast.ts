/** Shapes that are repeated to fit each other, and strides as the way to read a tensor in another shape. */
import { ShapeError } from "./errors.js";
import { type Shape, sizeOf, stridesOf } from "./shape.js";

/**
 * NumPy's rule: shapes are aligned at their ends, and a size of 1 is repeated. @throws ShapeError naming `op`, all shapes and
 * the dimension that does not fit
 */
export function broadcastShapes(op: string, shapes: Readonly<Record<string, Shape>>): Shape {
  const all = Object.values(shapes);
  const rank = Math.max(...all.map(({ length }) => length));
  return Array.from({ length: rank }, (_, d) => {
    const sizes = all.map((shape) => shape[d - rank + shape.length] ?? 1);
    const size = sizes.find((size) => size !== 1) ?? 1;
    if (sizes.every((other) => other === size || other === 1)) return size;
    throw new ShapeError(
      op,
      `shapes do not broadcast: dimension ${d - rank} is ${sizes.join(" and ")}`,
      shapes,
      "Aligned at the end, sizes must be equal or 1; see unsqueeze and reshape.",
    );
  });
}

/** The strides with which a tensor of `shape` is read as one of the shape `to` that it broadcasts to: 0 where it repeats. */
export function broadcastStrides(shape: Shape, to: Shape): number[] {
  const own = stridesOf(shape);
  const added = to.length - shape.length;
  return to.map((_, d) => (d < added || shape[d - added] === 1 ? 0 : own[d - added]));
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
  let [low, high] = [offset, offset];
  shape.forEach((size, d) => {
    const last = (size - 1) * strides[d];
    low += Math.min(last, 0);
    high += Math.max(last, 0);
  });
  return sizeOf(shape) === 0 ? [0, -1] : [low, high];
}
