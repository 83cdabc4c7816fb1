/** NaN, and the order in which it is the largest, by the bits of a value: what compares floats may leave NaN out of account. */

/** WGSL of `is_nan(x)` and `is_finite(x)`. */
export const TESTS = `
fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }
fn is_finite(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u; }`;

/** WGSL of `order(x)`, which grows with x: both zeros have the same, and NaN has the last. */
export const ORDER = `${TESTS}
fn order(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  if (is_nan(x)) { return 0xffffffffu; }
  if ((bits & 0x7fffffffu) == 0u) { return 0x80000000u; }
  return select(bits | 0x80000000u, ~bits, (bits >> 31u) == 1u);
}`;

/** And of `down(x)`, which falls as x grows, but for NaN, which has the last there, too. */
export const BOTH_ORDERS = `${ORDER}
fn down(x: f32) -> u32 { return select(~order(x), 0xffffffffu, is_nan(x)); }`;
