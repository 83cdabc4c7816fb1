/** LayerNorm with a constant std for each position class: one pass over each row, forward and backward. */
import type { PerClass } from "../../../kernels/position-class.js";
import { lastDim, rowsOf } from "../../../shape.js";
import type { Build } from "../../program.js";
import { columnSums } from "../column-sums.js";
import { addBits, assign } from "../into.js";
import { CENTERED, channels, MEAN, rowKernel } from "../rows.js";
import type { Tuning } from "../tuning.js";

const uniformsOf = ({ first, eot, rest }: PerClass) => ({ first, eot, rest });
/** WGSL of the std of row `n`. */
const STD = `
fn std_of(n: u32) -> f32 {
  let kind = u32(classes[n]);
  return select(select(u.rest, u.eot, kind == 1), u.first, kind == 0);
}`;

export const frozenNorm =
  (tuning: Tuning): Build<"frozenNorm"> =>
  ({ x }, { std }, { y }) => ({
    adds: ["y"],
    passes: [
      rowKernel(tuning, {
        key: `frozenNorm ${addBits(y)}`,
        reads: { x: "x", gamma: "gamma", beta: "beta", classes: "classes" },
        writes: { y: "y" },
        uniforms: uniformsOf(std),
        rows: rowsOf(x.shape),
        C: lastDim(x.shape),
        helpers: STD,
        body: `${MEAN}
  let s = std_of(row);
  ${channels(`y[i] ${assign(y)} ${CENTERED} / s * gamma[c] + beta[c];`)}`,
      }),
    ],
  });

export const frozenNormGrad =
  (tuning: Tuning): Build<"frozenNormGrad"> =>
  ({ x }, { std }, { dx, dgamma, dbeta }) => {
    const [rows, C] = [rowsOf(x.shape), lastDim(x.shape)];
    const toX = rowKernel(tuning, {
      key: `frozenNormGrad ${addBits(dx)}`,
      reads: { dy: "dy", x: "x", gamma: "gamma", classes: "classes" },
      writes: { dx: "dx", centers: "center", remainders: "remainder" },
      uniforms: uniformsOf(std),
      rows,
      C,
      helpers: STD,
      body: `${MEAN}
  if (t == 0) { centers[row] = center; remainders[row] = remainder; }
  let s = std_of(row);
  var sumA = 0.0;
  ${channels("sumA += dy[i] * gamma[c] / s;")}
  let meanA = total(sumA, t) / f32(C);
  ${channels(`dx[i] ${assign(dx)} dy[i] * gamma[c] / s - meanA;`)}`,
    });
    const toParams = columnSums({
      key: "frozenNormGrad",
      reads: { dy: "dy", x: "x", center: "center", remainder: "remainder", classes: "classes" },
      rows,
      columns: C,
      uniforms: uniformsOf(std),
      helpers: STD,
      sums: [
        {
          value: "dy[at] * (x[at] - center[n] - remainder[n]) / std_of(n)",
          output: "dgamma",
          add: dgamma.add,
        },
        { value: "dy[at]", output: "dbeta", add: dbeta.add },
      ],
    });
    return {
      adds: ["dx", "dgamma", "dbeta"],
      temporaries: { center: rows, remainder: rows, ...toParams.temporaries },
      passes: [toX, ...toParams.passes],
    };
  };
