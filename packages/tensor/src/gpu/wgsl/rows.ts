/** A workgroup for each row of (rows,C): what the norms are made of. */
import { BUILTINS, fold, GROUP, kernel, type KernelSource, totalOver } from "./pass.js";
import type { Tuning } from "./tuning.js";

/** WGSL: the loop over the channels that this thread has; `i` is the value's index in the buffer. */
export const channels = (body: string) =>
  `for (var c = t; c < C; c += THREADS) { let i = row * C + c; ${body} }`;
/** WGSL of `let mu`: the mean of the row of `x`. */
export const MEAN = `var sumX = 0.0;
  ${channels("sumX += x[i];")}
  let mu = total(sumX, t) / f32(C);`;

export interface RowSource extends Omit<KernelSource, "code" | "workgroups"> {
  readonly rows: number;
  readonly C: number;
  readonly helpers?: string;
  /** WGSL that sees the row `row`, C, its thread's `t`, and `total`. */
  readonly body: string;
}

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
