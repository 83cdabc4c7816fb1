/** A workgroup for each row of (rows,C): what the norms are made of. */
import { BUILTINS, fold, GROUP, kernel, type KernelSource, totalOver } from "./pass.js";
import type { Tuning } from "./tuning.js";

/** WGSL: the loop over the channels that this thread has; `i` is the value's index in the buffer. */
export const channels = (body: string) =>
  `for (var c = t; c < C; c += THREADS) { let i = row * C + c; ${body} }`;
/**
 * WGSL of `let center`, the mean of the row of `x` but for rounding. It sums distances from the first value: of a
 * constant row it is that value, to the bit.
 */
const CENTER = `let first = x[row * C];
  var sumX = 0.0;
  ${channels("sumX += x[i] - first;")}
  let center = first + total(sumX, t) / f32(C);`;
/** WGSL of the mean as `let center` and `let remainder`, what rounding left of it, so that a large mean costs no digits. */
export const MEAN = `${CENTER}
  var sumRest = 0.0;
  ${channels("sumRest += x[i] - center;")}
  let remainder = total(sumRest, t) / f32(C);`;
/** MEAN, and `let variance`, biased. */
export const MEAN_AND_VARIANCE = `${CENTER}
  var sumRest = 0.0;
  var sumSquares = 0.0;
  ${channels("let d = x[i] - center; sumRest += d; sumSquares += d * d;")}
  let remainder = total(sumRest, t) / f32(C);
  let variance = total(sumSquares, t) / f32(C) - remainder * remainder;`;
/** WGSL of a value less its row's mean, after either. */
export const CENTERED = "(x[i] - center - remainder)";

/** A kernel that has one row of (rows,C) at a time. */
export interface RowSource extends Omit<KernelSource, "code" | "workgroups"> {
  readonly rows: number;
  readonly C: number;
  readonly helpers?: string;
  /** WGSL that sees the row `row`, C, its thread's `t`, and `total`. */
  readonly body: string;
}

/** Its pass: a workgroup for each row, of as many threads as the adapter likes. */
export function rowKernel({ rowThreads, lanes }: Tuning, source: RowSource) {
  const { key, uniforms, rows, C, helpers = "", body, ...rest } = source;
  return kernel({
    ...rest,
    key: `${key} ${rowThreads}`,
    uniforms: { rows, C, ...uniforms },
    lanes,
    code: () => `${helpers}${totalOver(rowThreads, lanes)}
const THREADS = ${rowThreads}u;
@compute @workgroup_size(${rowThreads})
fn main(${BUILTINS}) {
  let row = ${GROUP};
  let C = u32(u.C);
  if (row >= u32(u.rows)) { return; }
  ${body}
}`,
    workgroups: fold(rows),
  });
}
