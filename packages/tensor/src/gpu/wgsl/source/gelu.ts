/** GELU in WGSL, both forms: the functions with which its own kernels, and a product, finish their values. */

// Beyond ±20 nothing changes any more, and v³ would pass the largest float. tanh and erf may stop a bit short of −1, so
// that what is far below 0 would be something again when multiplied by itself. Not clamp, which may turn NaN into a number.
/** WGSL of `value_tanh`, `value_none` and their derivatives `slope_tanh`, `slope_none`, each of one f32. */
export const GELU = `
const ROOT = ${Math.sqrt(2 / Math.PI)};
fn from_below(v: f32) -> f32 { return select(v, -20.0, v < -20.0); }
fn near(v: f32) -> f32 { return select(from_below(v), 20.0, v > 20.0); }
// The usual formula of tanh overflows beyond 44.
fn inner(v: f32) -> f32 { return tanh(clamp(ROOT * (v + 0.044715 * v * v * v), -20.0, 20.0)); }
// Abramowitz & Stegun 7.1.26, to 1.5e-7.
fn erf(x: f32) -> f32 {
  let a = min(abs(x), 9.0);
  let w = 1.0 / (1.0 + 0.3275911 * a);
  let p = w * (0.254829592 + w * (-0.284496736 + w * (1.421413741 + w * (-1.453152027 + w * 1.061405429))));
  return sign(x) * (1.0 - p * exp(-a * a));
}
fn value_tanh(v: f32) -> f32 { return 0.5 * from_below(v) * (1.0 + inner(near(v))); }
fn value_none(v: f32) -> f32 { return 0.5 * from_below(v) * (1.0 + erf(near(v) * ${Math.SQRT1_2})); }
fn slope_tanh(v: f32) -> f32 {
  let s = near(v);
  let w = inner(s);
  return 0.5 * (1.0 + w) + 0.5 * s * (1.0 - w * w) * ROOT * (1.0 + 0.134145 * s * s);
}
fn slope_none(v: f32) -> f32 {
  let s = near(v);
  return 0.5 * (1.0 + erf(s * ${Math.SQRT1_2})) + s * exp(-0.5 * s * s) * ${1 / Math.sqrt(2 * Math.PI)};
}`;
