/**
 * GELU without Math.tanh, which is NaN on some GPUs from 13 on: ½(1 + tanh u) is 1/(1 + exp(−2u)). erf is eq. 7.1.26
 * of Abramowitz & Stegun, off by at most 1.5e-7.
 */
import type { GeluAttributes } from "../../kernels/gelu.js";
import type { Build, JsPass } from "../program.js";
import { FLAT, pass, X } from "../source.js";

const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;
const [P, A1, A2, A3, A4, A5] = [
  0.3275911, 0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429,
];

/**
 * Statements that declare v out of `x`, w (v no further out than ±20, where nothing changes any more: v³ would pass the
 * largest float, and what exp leaves would be something beside a v of 1e35), cdf (the share of v that passes), and slope
 * (the derivative). Comparisons, since max and min may turn NaN into a number.
 */
function curve(approximate: GeluAttributes["approximate"], x = "x"): string {
  const near = `let v = ${x}[${X}]; let w = v; if (v < -20) { w = -20; } if (v > 20) { w = 20; }`;
  if (approximate === "tanh") {
    return `${near}
      let u = ${2 * SQRT_2_OVER_PI} * (w + ${CUBIC} * w * w * w);
      let e = Math.exp(Math.min(Math.max(-u, -80), 80));
      let cdf = 1 / (1 + e);
      let slope = cdf + w * cdf * (e / (1 + e)) * ${2 * SQRT_2_OVER_PI} * (1 + ${3 * CUBIC} * w * w);`;
  }
  return `${near}
    let density = Math.exp(-Math.min(w * w * 0.5, 80));
    let t = 1 / (1 + ${P * Math.SQRT1_2} * Math.abs(w));
    let tail = 0.5 * t * (${A1} + t * (${A2} + t * (${A3} + t * (${A4} + t * ${A5})))) * density;
    let cdf = tail;
    if (v > 0) { cdf = 1 - tail; }
    let slope = cdf + w * density * ${1 / Math.sqrt(2 * Math.PI)};`;
}

/** y = gelu of the buffer `x`. */
export function geluPass(size: number, approximate: GeluAttributes["approximate"], x = "x"): JsPass {
  return pass("gelu", {
    output: [size],
    reads: { [x]: FLAT },
    writes: "y",
    body: `${curve(approximate, x)} if (v > 20) { w = v; } return w * cdf;`,
  });
}

export const gelu: Build<"gelu"> = ({ x }, { approximate }) => ({ passes: [geluPass(x.size, approximate)] });

export const geluGrad: Build<"geluGrad"> = ({ x }, { approximate }) => ({
  passes: [
    pass("geluGrad", {
      output: [x.size],
      reads: { dy: FLAT, x: FLAT },
      writes: "dx",
      body: `${curve(approximate)} return dy[${X}] * slope;`,
    }),
  ],
});
