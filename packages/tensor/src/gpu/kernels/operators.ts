/**
 * The operators in the language of gpu.js: statements that declare y out of v, or out of v and w. Not what Math has where
 * a mode is inexact (sin far from 0, tanh, expm1 next to 0), and comparisons where max and min may turn NaN into a number.
 */
import type { BinaryOp } from "../../kernels/binary.js";
import type { UnaryOp } from "../../kernels/unary.js";

/** Numbers that gpu.js refuses in a text, or that some modes read wrongly: arguments of every kernel that names them. */
const NUMBERS: Readonly<Record<string, number>> = {
  nan: NaN,
  infinity: Infinity,
  largest: 3.4028234663852886e38,
};

/** Those of them that a text names. */
export function numbersIn(text: string): Record<string, number> {
  return Object.fromEntries(Object.entries(NUMBERS).filter(([name]) => text.includes(name)));
}

/** Statements that declare `name` as 1 where `value` is NaN, and as 0 where it is not. */
export const nanTest = (value: string, name: string) =>
  `let ${name} = 1; if (${value} <= 0) { ${name} = 0; } if (${value} > 0) { ${name} = 0; }`;

/** Ends the statements of what gives a number of NaN on some GPUs, be it that a compiler makes max or min of a comparison. */
export const KEEPS_NAN = `${nanTest("v", "odd")} if (odd > 0.5) { y = v; }`;

/** Horner's rule in the variable `x`, the constant term first. */
const polynomial = (x: string, terms: readonly number[]): string =>
  terms.reduceRight((rest, term) => (rest === "" ? `${term}` : `(${term} + ${x} * ${rest})`), "");

/** log(1 + e) for e from −0.5 to 1: 2·atanh(e / (2 + e)). */
const log1pNear = (e: string, name: string) =>
  `let ${name}_s = ${e} / (2 + ${e}); let ${name}_q = ${name}_s * ${name}_s;
  let ${name} = 2 * ${name}_s * ${polynomial(`${name}_q`, [1, 1 / 3, 1 / 5, 1 / 7, 1 / 9, 1 / 11, 1 / 13])};`;

/** e = exp(−|v|), which never overflows. */
const FALLING = "let e = Math.exp(-Math.abs(v));";
const SIGMOID = `${FALLING} let s = 1 / (1 + e); if (v < 0) { s = e / (1 + e); }`;

/** Quarter turns off v, in three parts of π/2 so that none is lost; sine and cosine of the rest. `turn` is 0 for sine, 1 for cosine. */
const wave = (turn: 0 | 1) => `let turns = Math.floor(v * ${2 / Math.PI} + 0.5);
  let r = v - turns * 1.5703125 - turns * 0.0004837512969970703 - turns * 7.549789948768648e-8;
  let q = r * r;
  let sine = r + r * q * ${polynomial("q", [-1 / 6, 1 / 120, -1 / 5040, 1 / 362880])};
  let cosine = 1 + q * ${polynomial("q", [-1 / 2, 1 / 24, -1 / 720, 1 / 40320, -1 / 3628800])};
  let at = turns + ${turn};
  let quarter = at - 4 * Math.floor((at + 0.5) / 4);
  let y = sine;
  if (quarter > 0.5) { y = cosine; }
  if (quarter > 1.5) { y = -sine; }
  if (quarter > 2.5) { y = -cosine; }`;

const ERF_SERIES = [1, -1 / 3, 1 / 10, -1 / 42, 1 / 216, -1 / 1320, 1 / 9360].map(
  (term) => (2 / Math.sqrt(Math.PI)) * term,
);

const TRUTH = (condition: string) => `let y = 0; if (${condition}) { y = 1; }`;

/** Of v. */
export const UNARY = {
  neg: "let y = -v;",
  abs: "let y = Math.abs(v);",
  sign: "let y = 0; if (v > 0) { y = 1; } if (v < 0) { y = -1; }",
  square: "let y = v * v;",
  relu: `let y = v; if (v <= 0) { y = 0; } ${KEEPS_NAN}`,
  exp: `let y = Math.exp(v); ${KEEPS_NAN}`,
  expm1: `let y = Math.exp(v) - 1;
    if (Math.abs(v) < 0.5) {
      y = v * ${polynomial("v", [1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040, 1 / 40320])};
    }
    ${KEEPS_NAN}`,
  log: `let y = Math.log(v);
    if (v == 0) { y = -infinity; } if (v < 0) { y = nan; } if (v > largest) { y = infinity; }
    ${KEEPS_NAN}`,
  log1p: `${log1pNear("v", "near")} let y = Math.log(1 + v);
    if (Math.abs(v) < 0.5) { y = near; }
    if (v == -1) { y = -infinity; } if (v < -1) { y = nan; } if (v > largest) { y = infinity; }
    ${KEEPS_NAN}`,
  sqrt: `let y = Math.sqrt(v); if (v < 0) { y = nan; } if (v > largest) { y = infinity; } ${KEEPS_NAN}`,
  rsqrt: `let y = 1 / Math.sqrt(v);
    if (v == 0) { y = infinity; } if (v < 0) { y = nan; } if (v > largest) { y = 0; }
    ${KEEPS_NAN}`,
  reciprocal: "let y = 1 / v;",
  sin: wave(0),
  cos: wave(1),
  tanh: `let w = Math.abs(v); if (w > 40) { w = 40; }
    let y = 1 - 2 / (Math.exp(2 * w) + 1); if (v < 0) { y = -y; }
    let q = v * v;
    if (w < 0.4) { y = v * ${polynomial("q", [1, -1 / 3, 2 / 15, -17 / 315, 62 / 2835, -1382 / 155925])}; }
    ${KEEPS_NAN}`,
  sigmoid: `${SIGMOID} let y = s; ${KEEPS_NAN}`,
  // A series next to 0, eq. 7.1.26 of Abramowitz & Stegun elsewhere, off by at most 1.5e-7.
  erf: `let w = Math.abs(v); if (w > 9) { w = 9; }
    let q = w * w;
    let t = 1 / (1 + 0.3275911 * w);
    let tail = t * ${polynomial("t", [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429])};
    let y = 1 - tail * Math.exp(-q); if (v < 0) { y = -y; }
    if (w < 0.5) {
      y = v * ${polynomial("q", ERF_SERIES)};
    }
    ${KEEPS_NAN}`,
  silu: `${SIGMOID} let y = v * s; ${KEEPS_NAN}`,
  softplus: `${FALLING} ${log1pNear("e", "rest")} let y = v; if (v <= 0) { y = 0; } y = y + rest; ${KEEPS_NAN}`,
  floor: "let y = Math.floor(v);",
  ceil: "let y = Math.ceil(v);",
  round: `let y = Math.floor(v); let rest = v - y;
    let odd = y - 2 * Math.floor(y / 2);
    if (rest > 0.5) { y = y + 1; }
    if (rest == 0.5 && odd > 0.5) { y = y + 1; }`,
  logicalNot: "let y = 1 - v;",
  isNaN: nanTest("v", "y"),
  isFinite: TRUTH("v >= -largest && v <= largest"),
} as const satisfies Record<UnaryOp, string>;

const LATER_NAN = `${nanTest("w", "odd")} if (odd > 0.5) { y = w; }`;

/** Of v and w. */
export const BINARY = {
  add: "let y = v + w;",
  sub: "let y = v - w;",
  mul: "let y = v * w;",
  div: "let y = v / w;",
  // Of |v|, with the sign of v where w is odd.
  pow: `let size = Math.abs(v); let y = Math.pow(size, w);
    if (v < 0 && w - 2 * Math.floor(w / 2) == 1) { y = -y; }
    if (v < 0 && v >= -largest && Math.floor(w) != w) { y = nan; }
    if (v == 0) { y = 0; if (w < 0) { y = infinity; } }
    ${KEEPS_NAN} ${nanTest("w", "later")} if (later > 0.5) { y = w; }
    if (w == 0) { y = 1; } if (v == 1) { y = 1; }
    if (size == 1 && Math.abs(w) > largest) { y = 1; }`,
  maximum: `let y = v; if (w > v) { y = w; } ${LATER_NAN}`,
  minimum: `let y = v; if (w < v) { y = w; } ${LATER_NAN}`,
  eq: TRUTH("v == w"),
  ne: "let y = 1; if (v == w) { y = 0; }",
  lt: TRUTH("v < w"),
  le: TRUTH("v <= w"),
  gt: TRUTH("v > w"),
  ge: TRUTH("v >= w"),
  logicalAnd: "let y = v * w;",
  logicalOr: "let y = v + w - v * w;",
} as const satisfies Record<BinaryOp, string>;
