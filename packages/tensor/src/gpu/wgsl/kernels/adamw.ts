/** AdamW with clipping, in place, one pass. */
import { adamwCoefficients } from "../../../kernels/adamw.js";
import type { Build } from "../../program.js";
import { each } from "../pass.js";

export const adamw: Build<"adamw"> = ({ param }, attributes) => {
  const { beta1, beta2, eps, maxNorm } = attributes;
  // WGSL does not promise infinities: no clipping is 0.
  const most = Number.isFinite(maxNorm) ? maxNorm : 0;
  const uniforms = {
    ...adamwCoefficients(attributes),
    beta1,
    rest1: 1 - beta1,
    beta2,
    rest2: 1 - beta2,
    eps,
    most,
  };
  const pass = each(
    {
      key: "adamw",
      reads: { grad: "grad", normSquared: "normSquared" },
      writes: { param: "param", m: "m", v: "v" },
      uniforms,
    },
    param.size,
    // WGSL does not promise that comparisons know infinity and NaN: their exponent has all bits set.
    `if ((bitcast<u32>(normSquared[0]) & 0x7f800000u) == 0x7f800000u) { return; }
  let clip = select(1.0, min(1.0, u.most / (sqrt(normSquared[0]) + 1e-6)), u.most > 0.0);
  let g = grad[i] * clip;
  let m1 = u.beta1 * m[i] + u.rest1 * g;
  let v1 = u.beta2 * v[i] + u.rest2 * g * g;
  m[i] = m1;
  v[i] = v1;
  param[i] = param[i] * u.decay - u.stepSize * m1 / (sqrt(v1) / u.correction2 + u.eps);`,
  );
  return { passes: [pass] };
};
