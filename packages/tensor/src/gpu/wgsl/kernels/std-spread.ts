/** Statistics of stds by position class, one workgroup for all tokens. */
import { REST } from "../../../kernels/position-class.js";
import type { Build } from "../../program.js";
import { addBits, assign } from "../into.js";
import { each, kernel, type KernelSource, totalOver } from "../pass.js";
import type { Tuning } from "../tuning.js";

const THREADS = 256;
/** A kernel of one workgroup; `body` sees `t`. */
function alone({ lanes }: Tuning, source: Omit<KernelSource, "code" | "workgroups">, body: string) {
  return kernel({
    ...source,
    lanes,
    code: () => `${totalOver(THREADS, lanes)}
@compute @workgroup_size(${THREADS})
fn main(@builtin(local_invocation_index) t: u32) {
  let N = arrayLength(&classes);
  ${body}
}`,
    workgroups: [1, 1, 1],
  });
}

export const classMean =
  (tuning: Tuning): Build<"classMean"> =>
  (_in, _attributes, { mean, count }) => ({
    adds: ["mean", "count"],
    passes: [
      alone(
        tuning,
        {
          key: `classMean ${addBits(mean, count)}`,
          reads: { values: "values", classes: "classes" },
          writes: { mean: "mean", count: "count" },
        },
        `for (var k = 0u; k < 3; k++) {
    var sum = 0.0;
    var members = 0.0;
    for (var n = t; n < N; n += ${THREADS}) {
      if (u32(classes[n]) == k) { sum += values[n]; members += 1.0; }
    }
    let sums = total(sum, t);
    let counts = total(members, t);
    if (t == 0) { mean[k] ${assign(mean)} sums / max(counts, 1.0); count[k] ${assign(count)} counts; }
  }`,
      ),
    ],
  });

export const stdSpread =
  (tuning: Tuning): Build<"stdSpread"> =>
  (_in, _attributes, { loss, target }) => ({
    adds: ["loss", "target"],
    passes: [
      alone(
        tuning,
        {
          key: `stdSpread ${addBits(loss, target)}`,
          reads: { values: "std", classes: "classes" },
          writes: { loss: "loss", goal: "target" },
        },
        `var sum = 0.0;
  var members = 0.0;
  for (var n = t; n < N; n += ${THREADS}) {
    if (u32(classes[n]) == ${REST}) { sum += values[n]; members += 1.0; }
  }
  let sums = total(sum, t);
  let counts = total(members, t);
  let center = select(1.0, sums / max(counts, 1.0), counts > 0.0);
  // What rounding left of the mean: squares of stds that are all the same are 0 then.
  var rests = 0.0;
  for (var n = t; n < N; n += ${THREADS}) {
    if (u32(classes[n]) == ${REST}) { rests += values[n] - center; }
  }
  let mean = center + total(rests, t) / max(counts, 1.0);
  var squares = 0.0;
  for (var n = t; n < N; n += ${THREADS}) { squares += (values[n] - mean) * (values[n] - mean); }
  let all = total(squares, t);
  if (t == 0) { loss[0] ${assign(loss)} all / f32(N); goal[0] ${assign(target)} mean; }`,
      ),
    ],
  });

export const stdSpreadGrad: Build<"stdSpreadGrad"> = ({ std }, _attributes, { dstd }) => ({
  adds: ["dstd"],
  passes: [
    each(
      {
        key: `stdSpreadGrad ${addBits(dstd)}`,
        reads: { dloss: "dloss", stds: "std", goal: "target" },
        writes: { dstd: "dstd" },
      },
      std.size,
      `dstd[i] ${assign(dstd)} dloss[0] * 2.0 * (stds[i] - goal[0]) / f32(arrayLength(&dstd));`,
    ),
  ],
});
