/**
 * The operators in WGSL: expressions of v, or of v and w. Not what WGSL has where it may be inexact (sin far from 0, what is
 * next to 0), and bits of values where what compares them may leave NaN out of account.
 */
import type { BinaryOp } from "../../../kernels/binary.js";
import type { UnaryOp } from "../../../kernels/unary.js";
import { BOTH_ORDERS } from "./order.js";

/** Horner's rule in `x`, the constant term first. */
const polynomial = (x: string, terms: readonly number[]): string => {
  const [first, ...rest] = terms;
  return rest.length === 0 ? `f32(${first})` : `fma(${x}, ${polynomial(x, rest)}, f32(${first}))`;
};
const ERF_SERIES = [1, -1 / 3, 1 / 10, -1 / 42, 1 / 216, -1 / 1320, 1 / 9360].map(
  (term) => (2 / Math.sqrt(Math.PI)) * term,
);

// A constant that is infinite or no number is an error in WGSL, so that these are made of bits that are no constant.
const FUNCTIONS = `${BOTH_ORDERS}
const LARGEST = 3.4028234663852886e38f;
fn special(bits: u32) -> f32 { return bitcast<f32>(bits); }
fn kept(v: f32, y: f32) -> f32 { return select(y, v, is_nan(v)); }
fn truth(x: bool) -> f32 { return select(0.0, 1.0, x); }
fn exponential(v: f32) -> f32 { return kept(v, select(exp(v), 0.0, v < -104.0)); }
fn exponential_less_1(v: f32) -> f32 {
  let near = v * ${polynomial(
    "v",
    [1, 2, 6, 24, 120, 720, 5040, 40320].map((n) => 1 / n),
  )};
  return select(exponential(v) - 1.0, near, abs(v) < 0.5);
}
fn logarithm(v: f32) -> f32 {
  if (v == 0.0) { return special(0xff800000u); }
  if (v < 0.0) { return special(0x7fc00000u); }
  return select(log(v), v, !is_finite(v));
}
// 2·atanh(v / (2 + v)).
fn logarithm_near_1(v: f32) -> f32 {
  let s = v / (2.0 + v);
  let q = s * s;
  return 2.0 * s * ${polynomial(
    "q",
    [1, 3, 5, 7, 9, 11, 13].map((n) => 1 / n),
  )};
}
fn logarithm_of_1_and(v: f32) -> f32 {
  return select(logarithm(1.0 + v), logarithm_near_1(v), abs(v) < 0.5);
}
fn root(v: f32) -> f32 {
  if (v < 0.0) { return special(0x7fc00000u); }
  return select(sqrt(v), v, !is_finite(v) || v == 0.0);
}
fn sigmoid(v: f32) -> f32 {
  let e = exponential(-abs(v));
  return select(1.0, e, v < 0.0) / (1.0 + e);
}
// Quarter turns off v, in three parts of π/2 so that none is lost; then sine or cosine of the rest.
fn wave(v: f32, turn: f32) -> f32 {
  if (!is_finite(v)) { return special(0x7fc00000u); }
  let turns = floor(fma(v, ${2 / Math.PI}, 0.5));
  let r = fma(turns, -7.549789948768648e-8, fma(turns, -0.0004837512969970703, fma(turns, -1.5703125, v)));
  let q = r * r;
  let sine = r + r * q * ${polynomial("q", [-1 / 6, 1 / 120, -1 / 5040, 1 / 362880])};
  let cosine = 1.0 + q * ${polynomial("q", [-1 / 2, 1 / 24, -1 / 720, 1 / 40320, -1 / 3628800])};
  let at = turns + turn;
  let quarter = at - 4.0 * floor((at + 0.5) / 4.0);
  let y = select(sine, cosine, quarter == 1.0 || quarter == 3.0);
  return select(y, -y, quarter > 1.5);
}
fn tangent(v: f32) -> f32 {
  let w = min(abs(v), 40.0);
  let far = 1.0 - 2.0 / (exp(2.0 * w) + 1.0);
  let q = w * w;
  let near = w * ${polynomial("q", [1, -1 / 3, 2 / 15, -17 / 315, 62 / 2835, -1382 / 155925])};
  let y = select(far, near, w < 0.4);
  return kept(v, select(y, -y, v < 0.0));
}
// A series next to 0, eq. 7.1.26 of Abramowitz & Stegun elsewhere, off by at most 1.5e-7.
fn error(v: f32) -> f32 {
  let w = min(abs(v), 9.0);
  let q = w * w;
  let t = 1.0 / (1.0 + 0.3275911 * w);
  let tail = t * ${polynomial("t", [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429])};
  let y = select(1.0 - tail * exp(-q), w * ${polynomial("q", ERF_SERIES)}, w < 0.5);
  return kept(v, select(y, -y, v < 0.0));
}
// Of |v|, with the sign of v where w is odd.
fn power(v: f32, w: f32) -> f32 {
  if (w == 0.0 || v == 1.0 || (v == -1.0 && abs(w) > LARGEST)) { return 1.0; }
  if (is_nan(v) || is_nan(w)) { return special(0x7fc00000u); }
  // By its bit: −0 has one, too.
  let odd = (bitcast<u32>(v) >> 31u) == 1u && w - 2.0 * floor(w * 0.5) == 1.0;
  var size = 0.0;
  if (v == 0.0) {
    if (w < 0.0) { size = special(0x7f800000u); }
  } else {
    if (v < 0.0 && v >= -LARGEST && floor(w) != w) { return special(0x7fc00000u); }
    size = pow(abs(v), w);
  }
  return select(size, -size, odd);
}
fn larger(v: f32, w: f32) -> f32 { return select(v, w, order(w) > order(v)); }
fn smaller(v: f32, w: f32) -> f32 { return select(v, w, down(w) > down(v)); }
`;

/** Of v. */
export const UNARY = {
  neg: "-v",
  abs: "abs(v)",
  sign: "truth(v > 0.0) - truth(v < 0.0)",
  square: "v * v",
  relu: "select(v, 0.0, v <= 0.0)",
  exp: "exponential(v)",
  expm1: "exponential_less_1(v)",
  log: "logarithm(v)",
  log1p: "logarithm_of_1_and(v)",
  sqrt: "root(v)",
  rsqrt: "1.0 / root(v)",
  reciprocal: "1.0 / v",
  sin: "wave(v, 0.0)",
  cos: "wave(v, 1.0)",
  tanh: "tangent(v)",
  sigmoid: "sigmoid(v)",
  erf: "error(v)",
  silu: "v * sigmoid(v)",
  softplus: "select(v, 0.0, v <= 0.0) + logarithm_near_1(exponential(-abs(v)))",
  floor: "kept(v, floor(v))",
  ceil: "kept(v, ceil(v))",
  round: "kept(v, round(v))",
  logicalNot: "1.0 - v",
  isNaN: "truth(is_nan(v))",
  isFinite: "truth(is_finite(v))",
} as const satisfies Record<UnaryOp, string>;

/** Of v and w. */
export const BINARY = {
  add: "v + w",
  sub: "v - w",
  mul: "v * w",
  div: "v / w",
  pow: "power(v, w)",
  maximum: "larger(v, w)",
  minimum: "smaller(v, w)",
  eq: "truth(v == w)",
  // Not `!=`, which a compiler may take for "less or greater".
  ne: "1.0 - truth(v == w)",
  lt: "truth(v < w)",
  le: "truth(v <= w)",
  gt: "truth(v > w)",
  ge: "truth(v >= w)",
  logicalAnd: "v * w",
  logicalOr: "max(v, w)",
} as const satisfies Record<BinaryOp, string>;

/** An operator as a function in WGSL, `apply`, with those that it calls. */
export function unaryFunction(op: UnaryOp): string {
  return `${FUNCTIONS}\nfn apply(v: f32) -> f32 { return ${UNARY[op]}; }`;
}
/** The same of two values. */
export function binaryFunction(op: BinaryOp): string {
  return `${FUNCTIONS}\nfn apply(v: f32, w: f32) -> f32 { return ${BINARY[op]}; }`;
}
