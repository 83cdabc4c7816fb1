/** A workgroup for each row of (rows,C): what the norms are made of. */
import { BUILTINS, fold, GROUP, kernel, type KernelSource, totalOver } from "./pass.js";

const THREADS = 64;
/** WGSL: the loop over the channels that this thread has; `i` is the value's index in the buffer. */
export const channels = (body: string) =>
  `for (var c = t; c < C; c += ${THREADS}) { let i = row * C + c; ${body} }`;
/** WGSL of `let mu`: the mean of the row of `x`. */
export const MEAN = `var sumX = 0.0;
  ${channels("sumX += x[i];")}
  let mu = total(sumX, t) / f32(C);`;

/** `body` sees the row `row`, C, its thread's `t`, and `total`. */
export function rowKernel(
  { uniforms, ...source }: Omit<KernelSource, "code" | "workgroups">,
  rows: number,
  C: number,
  body: string,
  helpers = "",
) {
  return kernel({
    ...source,
    uniforms: { rows, C, ...uniforms },
    code: `${helpers}${totalOver(THREADS)}
@compute @workgroup_size(${THREADS})
fn main(${BUILTINS}) {
  let row = ${GROUP};
  let C = u32(u.C);
  if (row >= u32(u.rows)) { return; }
  ${body}
}`,
    workgroups: fold(rows),
  });
}
