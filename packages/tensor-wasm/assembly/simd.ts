/**
 * Four-lane helpers and the functions of one variable that kernels need. Everything is computed here and nothing by
 * the host's Math, so that one build gives the same bits in every engine.
 */

/** a·b + c: fused where the build has relaxed SIMD. */
// @ts-ignore: decorator
@inline
export function fma(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** The same of two float64. */
// @ts-ignore: decorator
@inline
export function fma2(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_madd(a, b, c);
  return f64x2.add(f64x2.mul(a, b), c);
}

// @ts-ignore: decorator
@inline
export function splat(x: f32): v128 {
  return f32x4.splat(x);
}

/**
 * Constants of the functions below, loaded where they are used: V8 rebuilds an immediate vector at every use, which
 * costs several instructions where a load costs one.
 */
const TABLE = memory.data<f32>([
  -87.33654, 88.37626, 1.44269504088896341, 12582912, -0.693359375, 2.1219444e-4, 1.98756915e-4, 1.3981999507e-3,
  8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1, 1, 0.17087277, -0.82215223, 1.48851587,
  -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368, -1.26551223, 0.5,
  0.044715, -1.5957691216057308, 0.21406532, 1.5957691216057308, -20, 20,
]);

// @ts-ignore: decorator
@inline
export function constant(i: i32): v128 {
  return v128.load32_splat(TABLE + (<usize>i << 2));
}

/** Sum of the four lanes, always in the same order. */
// @ts-ignore: decorator
@inline
export function sumLanes(x: v128): f32 {
  return (
    f32x4.extract_lane(x, 0) +
    f32x4.extract_lane(x, 2) +
    (f32x4.extract_lane(x, 1) + f32x4.extract_lane(x, 3))
  );
}

// @ts-ignore: decorator
@inline
export function maxLanes(x: v128): f32 {
  return max(
    max(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1)),
    max(f32x4.extract_lane(x, 2), f32x4.extract_lane(x, 3)),
  );
}

/**
 * exp to about 1 ulp: 2^n times a polynomial on [−ln2/2, ln2/2] (Cephes, expf). Below −87.33 it is 0; above 88.37 it
 * stays at exp(88.37); NaN stays NaN.
 */
// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  const tiny = f32x4.lt(x, constant(0));
  const t = f32x4.pmin(f32x4.pmax(x, constant(0)), constant(1));
  // Adding 1.5·2^23 rounds to a whole number and leaves it in the low bits.
  const shifted = fma(t, constant(2), constant(3));
  const n = f32x4.sub(shifted, constant(3));
  let r = fma(n, constant(4), t);
  r = fma(n, constant(5), r);
  let p = fma(constant(6), r, constant(7));
  p = fma(p, r, constant(8));
  p = fma(p, r, constant(9));
  p = fma(p, r, constant(10));
  p = fma(p, r, constant(11));
  p = f32x4.add(fma(p, f32x4.mul(r, r), r), constant(12));
  const power = i32x4.add(i32x4.shl(shifted, 23), constant(12));
  return v128.andnot(f32x4.mul(p, power), tiny);
}

// @ts-ignore: decorator
@inline
export function exp1(x: f32): f32 {
  return f32x4.extract_lane(exp4(splat(x)), 0);
}

/**
 * erfc to a relative 1.2e-7: a Chebyshev fit of its logarithm (Press et al., Numerical Recipes, 6.2).
 */
// @ts-ignore: decorator
@inline
export function erfc4(x: v128): v128 {
  const z = f32x4.abs(x);
  const t = f32x4.div(constant(12), fma(constant(23), z, constant(12)));
  let p = fma(constant(13), t, constant(14));
  p = fma(p, t, constant(15));
  p = fma(p, t, constant(16));
  p = fma(p, t, constant(17));
  p = fma(p, t, constant(18));
  p = fma(p, t, constant(19));
  p = fma(p, t, constant(20));
  p = fma(p, t, constant(21));
  p = fma(p, t, constant(22));
  const tail = f32x4.mul(t, exp4(f32x4.sub(p, f32x4.mul(z, z))));
  return v128.bitselect(f32x4.sub(splat(2), tail), tail, f32x4.lt(x, splat(0)));
}

/** Natural logarithm, in float64. */
// @ts-ignore: decorator
@inline
export function ln(x: f64): f64 {
  return NativeMath.log(x);
}

/** The largest of `n` floats, n >= 1. NaN may be left out: whoever needs it adds it up afterwards. */
export function maxOf(x: usize, n: i32): f32 {
  let i = 0;
  let a = v128.load32_splat(x), b = a, c = a, d = a;
  for (; i + 16 <= n; i += 16) {
    const at = x + (<usize>i << 2);
    a = f32x4.pmax(a, v128.load(at));
    b = f32x4.pmax(b, v128.load(at, 16));
    c = f32x4.pmax(c, v128.load(at, 32));
    d = f32x4.pmax(d, v128.load(at, 48));
  }
  for (; i + 4 <= n; i += 4) a = f32x4.pmax(a, v128.load(x + (<usize>i << 2)));
  let best = maxLanes(f32x4.pmax(f32x4.pmax(a, b), f32x4.pmax(c, d)));
  for (; i < n; i++) best = max(best, load<f32>(x + (<usize>i << 2)));
  return best;
}

/** x·factor in place. */
export function scaleBy(x: usize, n: i32, factor: f32): void {
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const at = x + (<usize>i << 2);
    v128.store(at, f32x4.mul(v128.load(at), splat(factor)));
  }
  for (; i < n; i++) {
    const at = x + (<usize>i << 2);
    store<f32>(at, load<f32>(at) * factor);
  }
}
