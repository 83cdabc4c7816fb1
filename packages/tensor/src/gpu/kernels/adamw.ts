import { adamwCoefficients } from "../../kernels/adamw.js";
import type { Build } from "../program.js";
import { FLAT, pass, X } from "../source.js";
import { total } from "./elementwise.js";

export const sumSquares: Build<"sumSquares"> = ({ x }) =>
  total("sumSquares", x.size, "total", (value) => `${value} * ${value}`);

/** No clipping: larger than any gradient's norm, and no infinity, which kernels cannot hold. */
const NO_LIMIT = 1e30;
const CLIPPED = `grad[${X}] * Math.min(1, maxNorm / (Math.sqrt(normSquared[0]) + 0.000001))`;

/** The largest of float32: neither infinity nor NaN is at most that. */
const LARGEST = (2 - 2 ** -23) * 2 ** 127;
const KEPT = (old: string) => `if (!(normSquared[0] <= largest)) { return ${old}[${X}]; }`;

/** One output a kernel, so three: m, v, param. 1 − beta comes from the host, where it is exact. */
export const adamw: Build<"adamw"> = ({ param }, attributes) => {
  const { beta1, beta2, eps } = attributes;
  const maxNorm = Math.min(attributes.maxNorm, NO_LIMIT);
  const { decay, stepSize, correction2 } = adamwCoefficients(attributes);
  const size = param.size;
  return {
    temporaries: { newM: size, newV: size, newParam: size },
    passes: [
      pass("adamw", {
        output: [size],
        reads: { grad: FLAT, m: FLAT, normSquared: FLAT },
        writes: "newM",
        floats: { maxNorm, beta1, share: 1 - beta1, largest: LARGEST },
        body: `${KEPT("m")} return beta1 * m[${X}] + share * ${CLIPPED};`,
      }),
      pass("adamw", {
        output: [size],
        reads: { grad: FLAT, v: FLAT, normSquared: FLAT },
        writes: "newV",
        floats: { maxNorm, beta2, share: 1 - beta2, largest: LARGEST },
        body: `${KEPT("v")} let g = ${CLIPPED}; return beta2 * v[${X}] + share * g * g;`,
      }),
      pass("adamw", {
        output: [size],
        reads: { param: FLAT, newM: FLAT, newV: FLAT, normSquared: FLAT },
        writes: "newParam",
        floats: { decay, stepSize, correction2, eps, largest: LARGEST },
        body: `${KEPT("param")} return param[${X}] * decay - stepSize * newM[${X}] / (Math.sqrt(newV[${X}]) / correction2 + eps);`,
      }),
    ],
    replaces: { param: "newParam", m: "newM", v: "newV" },
  };
};
