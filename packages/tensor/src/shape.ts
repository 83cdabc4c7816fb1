/** Shapes as plain arrays of sizes, row-major. B batch, T position, C channel, H head, V vocabulary. */

/** Sizes, outermost first: (B,T,C) is `[B, T, C]`, a scalar `[]`. */
export type Shape = readonly number[];

/** Number of elements; 1 for the empty shape (a scalar). */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Whether two shapes are equal. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}

/** `[2,3]`, as every error message writes a shape. */
export function showShape(shape: Shape): string {
  return `[${shape.join(",")}]`;
}

/** The size of the last dimension: the channels of `(..., C)`. */
export function lastDim(shape: Shape): number {
  return shape.length === 0 ? 1 : shape[shape.length - 1];
}

/** Everything but the last dimension flattened: the rows of `(..., C)`. */
export function rowsOf(shape: Shape): number {
  return sizeOf(shape.slice(0, -1));
}

/** How far apart in memory, in values, neighbours along each dimension of a row-major tensor are. */
export function stridesOf(shape: Shape): number[] {
  const strides: number[] = [];
  let stride = 1;
  for (const size of [...shape].reverse()) {
    strides.unshift(stride);
    stride *= size;
  }
  return strides;
}
