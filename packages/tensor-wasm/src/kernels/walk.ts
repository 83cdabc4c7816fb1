/** How operands are walked together: dimensions that all of them pass in one step become one, and rows are shared out. */
import type { Shape } from "@normless/tensor";
import { CHUNK } from "./implementation.js";

/** As many dimensions of rows as assembly/walk.ts has room for. */
const RANK = 7;

/** Sizes, or strides, of all the dimensions that rows may have. */
const ZEROS: readonly number[] = [0, 0, 0, 0, 0, 0, 0];

/** Where operands begin that are walked at once. */
const START: readonly number[] = [0, 0, 0, 0];

/** Dimensions, the innermost first: of each its size, and of each operand its stride, in values. */
export interface Dims {
  readonly sizes: readonly number[];
  readonly strides: readonly (readonly number[])[];
}

/** Dimensions of size 1 vanish, and neighbours become one where no operand sees where one ends. */
export function merge(shape: Shape, strides: readonly (readonly number[])[]): Dims {
  const sizes: number[] = [];
  const merged: number[][] = strides.map(() => []);
  for (let d = shape.length - 1; d >= 0; d--) {
    const size = shape[d];
    if (size === 1) continue;
    const last = sizes.length - 1;
    if (last >= 0 && goesOn(strides, d, merged, last, sizes[last])) sizes[last] *= size;
    else {
      sizes.push(size);
      for (let i = 0; i < strides.length; i++) merged[i].push(strides[i][d]);
    }
  }
  return { sizes, strides: merged };
}

/** Whether all operands pass from the end of their dimension `last`, of `size`, to the next place of dimension `d` in its step. */
function goesOn(
  strides: readonly (readonly number[])[],
  d: number,
  merged: readonly (readonly number[])[],
  last: number,
  size: number,
): boolean {
  for (let i = 0; i < strides.length; i++) if (strides[i][d] !== merged[i][last] * size) return false;
  return true;
}

/** Takes dimension `at` out and puts it first: the columns. */
export function withColumns({ sizes, strides }: Dims, at: number): Dims {
  const first = (values: readonly number[]) => [values[at], ...values.filter((_, d) => d !== at)];
  return { sizes: first(sizes), strides: strides.map(first) };
}

/** Without dimension `at`. */
export function without({ sizes, strides }: Dims, at: number): Dims {
  const rest = (values: readonly number[]) => values.filter((_, d) => d !== at);
  return { sizes: rest(sizes), strides: strides.map(rest) };
}

/** A walk as the assembly has it (assembly/walk.ts), and into how many units it goes. */
export interface Walk {
  readonly ints: readonly number[];
  readonly units: number;
}

/** The walk of one row of `columns` values, of CHUNK a unit, behind the arguments before it; of each operand its stride. */
export function pushLine(ints: number[], columns: number, ...strides: readonly number[]): void {
  ints.push(0, columns, Math.min(columns, CHUNK), 1, 1, 0, 0, 0, 0, 0, 0, 0);
  for (const stride of strides) ints.push(0, 0, 0, 0, 0, 0, 0, stride * 4);
}

/**
 * Calls `use` with a walk, and with where each operand begins (in bytes): once, unless there are more dimensions than the
 * assembly has room for. `weight` is how many values a column stands for.
 */
export function forWalks(
  { sizes, strides }: Dims,
  weight: number,
  use: (walk: Walk, offsets: readonly number[]) => void,
): void {
  if (sizes.length > RANK + 1) {
    const last = sizes.length - 1;
    const inner = { sizes: sizes.slice(0, last), strides: strides.map((own) => own.slice(0, last)) };
    for (let i = 0; i < sizes[last]; i++) {
      forWalks(inner, weight, (walk, offsets) =>
        use(
          walk,
          strides.map((own, k) => offsets[k] + 4 * i * own[last]),
        ),
      );
    }
    return;
  }
  const columns = sizes[0] ?? 1;
  const rank = Math.max(sizes.length - 1, 0);
  let rows = 1;
  for (let d = 1; d < sizes.length; d++) rows *= sizes[d];
  // Whole vectors, so that a unit begins at one.
  const columnsOfUnit = Math.min(columns, Math.max(16, Math.floor(CHUNK / weight) & ~15));
  const rowsOfUnit = Math.max(1, Math.floor(CHUNK / weight / columns));
  const ints = [rank, columns, columnsOfUnit, rows, rowsOfUnit, ...ZEROS];
  for (let d = 0; d < rank; d++) ints[5 + d] = sizes[rank - d];
  for (const own of strides) {
    const at = ints.length;
    ints.push(0, 0, 0, 0, 0, 0, 0, (own[0] ?? 0) * 4);
    for (let d = 0; d < rank; d++) ints[at + d] = own[rank - d] * 4;
  }
  const units = Math.ceil(rows / rowsOfUnit) * Math.ceil(columns / columnsOfUnit);
  use({ ints, units }, START);
}
