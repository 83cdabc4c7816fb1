/** GELU, both forms. `tanh` is GPT-2's (Hendrycks & Gimpel 2016, eq. 2); `none` is exact, with erf. */
import { ShapeError } from "../errors.js";
import { sameShape } from "../shape.js";
import { contract, float32 } from "./contract.js";

/** Which form of GELU. */
export interface GeluAttributes {
  readonly approximate: "tanh" | "none";
}

const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

/** erf to float64 precision: its Maclaurin series below 3, a continued fraction of erfc above. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a < 3) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = a;
  for (let n = 60; n >= 1; n--) fraction = a + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * fraction));
}

/** x (...) → y (...). */
export const gelu = contract<GeluAttributes>()({
  inputs: ["x"],
  outputs: ["y"],
  infer: ({ x }) => ({ y: float32(x.shape) }),
  naive({ x }, { approximate }, { y }) {
    for (let i = 0; i < x.data.length; i++) {
      const v = x.data[i];
      const cdf =
        approximate === "tanh"
          ? 0.5 * (1 + Math.tanh(SQRT_2_OVER_PI * (v + CUBIC * v ** 3)))
          : 0.5 * (1 + erf(v / Math.SQRT2));
      y.data[i] = v * cdf;
    }
  },
});

/** dy, x (...) → dx (...). */
export const geluGrad = contract<GeluAttributes>()({
  inputs: ["dy", "x"],
  outputs: ["dx"],
  infer({ dy, x }) {
    if (!sameShape(dy.shape, x.shape)) {
      throw new ShapeError("geluGrad", "dy and x differ", { dy: dy.shape, x: x.shape });
    }
    return { dx: float32(x.shape) };
  },
  naive({ dy, x }, { approximate }, { dx }) {
    for (let i = 0; i < x.data.length; i++) {
      const v = x.data[i];
      let slope: number;
      if (approximate === "tanh") {
        const t = Math.tanh(SQRT_2_OVER_PI * (v + CUBIC * v ** 3));
        slope = 0.5 * (1 + t) + 0.5 * v * (1 - t * t) * SQRT_2_OVER_PI * (1 + 3 * CUBIC * v * v);
      } else {
        slope = 0.5 * (1 + erf(v / Math.SQRT2)) + (v * Math.exp((-v * v) / 2)) / Math.sqrt(2 * Math.PI);
      }
      dx.data[i] = dy.data[i] * slope;
    }
  },
});
