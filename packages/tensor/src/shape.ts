/** Shapes as plain arrays of sizes, row-major. B batch, T position, C channel, H head, V vocabulary. */

/** Sizes, outermost first: (B,T,C) is `[B, T, C]`, a scalar `[]`. */
export type Shape = readonly number[];

// Plain loops here: every kernel call comes by, and of a small one that is what it costs.

/** Number of elements; 1 for the empty shape (a scalar). */
export function sizeOf(shape: Shape): number {
  let product = 1;
  for (let d = 0; d < shape.length; d++) product *= shape[d];
  return product;
}

/** Whether two shapes are equal. */
export function sameShape(a: Shape, b: Shape): boolean {
  if (a.length !== b.length) return false;
  for (let d = 0; d < a.length; d++) if (a[d] !== b[d]) return false;
  return true;
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
  let product = 1;
  for (let d = 0; d < shape.length - 1; d++) product *= shape[d];
  return product;
}

/** How far apart in memory, in values, neighbours along each dimension of a row-major tensor are. */
export function stridesOf(shape: Shape): number[] {
  const strides = shape.slice();
  let stride = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    strides[d] = stride;
    stride *= shape[d];
  }
  return strides;
}
