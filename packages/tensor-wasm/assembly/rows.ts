/**
 * What both norms and the std statistics share: the mean of a row in two steps, so that a large mean costs no digits
 * and a constant row leaves nothing, and sums over rows in chunks of a fixed size, so that the order never depends on
 * the number of threads.
 */
import { fma, splat, sumLanes } from "./simd";

/** Rows that one unit of a norm handles. */
export const ROWS: i32 = 32;

/**
 * A row's mean but for rounding: what `sumCentered` about it leaves is the rest. It sums distances from the first value,
 * so that of a constant row it is that value, to the bit.
 */
export function centerOf(x: usize, n: i32): f32 {
  const first = load<f32>(x);
  return first + sumCentered(x, n, first) / <f32>n;
}

/** Σ (x − center). */
export function sumCentered(x: usize, n: i32, center: f32): f32 {
  const c = splat(center);
  let a = splat(0), b = splat(0);
  let i = 0;
  for (; i + 8 <= n; i += 8) {
    const at = x + (<usize>i << 2);
    a = f32x4.add(a, f32x4.sub(v128.load(at), c));
    b = f32x4.add(b, f32x4.sub(v128.load(at, 16), c));
  }
  let total = sumLanes(f32x4.add(a, b));
  for (; i < n; i++) total += load<f32>(x + (<usize>i << 2)) - center;
  return total;
}

/** Σ (x − center)². */
export function sumSquaredCentered(x: usize, n: i32, center: f32): f32 {
  const c = splat(center);
  let a = splat(0), b = splat(0);
  let i = 0;
  for (; i + 8 <= n; i += 8) {
    const at = x + (<usize>i << 2);
    const d = f32x4.sub(v128.load(at), c), e = f32x4.sub(v128.load(at, 16), c);
    a = fma(d, d, a);
    b = fma(e, e, b);
  }
  let total = sumLanes(f32x4.add(a, b));
  for (; i < n; i++) {
    const d = load<f32>(x + (<usize>i << 2)) - center;
    total += d * d;
  }
  return total;
}

/** y = (x − center − rest)·factor·gamma + beta; beta may be 0 for none. */
export function normalizeRow(
  x: usize, y: usize, n: i32, center: f32, rest: f32, factor: f32, gamma: usize, beta: usize,
): void {
  const c = splat(center), r = splat(rest), f = splat(factor);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const at = <usize>i << 2;
    const d = f32x4.mul(f32x4.sub(f32x4.sub(v128.load(x + at), c), r), f);
    v128.store(y + at, fma(d, v128.load(gamma + at), v128.load(beta + at)));
  }
  for (; i < n; i++) {
    const at = <usize>i << 2;
    const d = (load<f32>(x + at) - center - rest) * factor;
    store<f32>(y + at, d * load<f32>(gamma + at) + load<f32>(beta + at));
  }
}
