/**
 * How values are taken in one after the other, in sums, products, the largest and the least: over a run of memory, or row
 * by row into running results that lie side by side. What that comes to goes into a slot: 16 bytes, a float64 or 32 bits
 * at their start. reduce.ts has the jobs.
 */
import { double, tileOf } from "./control";

/**
 * Columns that have their running results side by side, at most: as many as the nearest cache keeps, since memory is read
 * faster by long rows. Two arrays of float64 and one of float32 for them.
 */
export const COLUMNS: i32 = 1024;
/** The second array of running results, and the third. */
export const SECOND: usize = 8192;
export const THIRD: usize = 16384;
/** Where the factor of a result is among the arguments of reduce.ts. */
export const FACTOR: i32 = 11;

@final @unmanaged export class Sum {
  @inline of(a: v128, b: v128): v128 { return f64x2.add(a, b); }
  @inline identity(): v128 { return f64x2.splat(0); }
}
@final @unmanaged export class Prod {
  @inline of(a: v128, b: v128): v128 { return f64x2.mul(a, b); }
  @inline identity(): v128 { return f64x2.splat(1); }
}
@final @unmanaged export class Max {
  @inline of(a: v128, b: v128): v128 { return f32x4.max(a, b); }
  @inline identity(): v128 { return f32x4.splat(-Infinity); }
}
@final @unmanaged export class Min {
  @inline of(a: v128, b: v128): v128 { return f32x4.min(a, b); }
  @inline identity(): v128 { return f32x4.splat(Infinity); }
}
@final @unmanaged export class SumInt32 {
  @inline of(a: v128, b: v128): v128 { return i32x4.add(a, b); }
  @inline identity(): v128 { return i32x4.splat(0); }
}
@final @unmanaged export class ProdInt32 {
  @inline of(a: v128, b: v128): v128 { return i32x4.mul(a, b); }
  @inline identity(): v128 { return i32x4.splat(1); }
}
@final @unmanaged export class MaxInt32 {
  @inline of(a: v128, b: v128): v128 { return i32x4.max_s(a, b); }
  @inline identity(): v128 { return i32x4.splat(i32.MIN_VALUE); }
}
@final @unmanaged export class MinInt32 {
  @inline of(a: v128, b: v128): v128 { return i32x4.min_s(a, b); }
  @inline identity(): v128 { return i32x4.splat(i32.MAX_VALUE); }
}
@final @unmanaged export class AnyInt32 {
  @inline of(a: v128, b: v128): v128 { return v128.or(a, b); }
  @inline identity(): v128 { return i32x4.splat(0); }
}
@final @unmanaged export class AllInt32 {
  @inline of(a: v128, b: v128): v128 { return v128.and(a, b); }
  @inline identity(): v128 { return i32x4.splat(1); }
}

/** Two of the four values at `from`, as float64. */
// @ts-ignore: decorator
@inline
export function wide(from: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(from));
}

/** float32 taken in as float64. */
@final @unmanaged export class Wide<O> {
  /** The `n` values at `x`; `_from` is the place of the first. */
  run(x: usize, n: i32, _from: i32, slot: usize, thread: i32): void {
    const quarter = (n >> 2) & ~3, apart = <usize>quarter << 2, to = tileOf(thread);
    this.four(x, apart, quarter, to);
    let a = changetype<O>(0).of(v128.load(to), v128.load(to, 16));
    a = changetype<O>(0).of(a, changetype<O>(0).of(v128.load(to, 32), v128.load(to, 48)));
    x += 4 * apart;
    for (let rest = n - 4 * quarter; rest > 0; rest--) {
      a = changetype<O>(0).of(a, f64x2.splat(<f64>load<f32>(x)));
      x += 4;
    }
    v128.store(slot, a);
  }

  /**
   * Four runs of `n` values, `apart` bytes from one to the next, into a slot each, in both of its lanes: memory is read
   * faster from four places than from one.
   */
  four(x: usize, apart: usize, n: i32, slots: usize): void {
    const identity = changetype<O>(0).identity();
    let a = identity, b = a, c = a, d = a, e = a, f = a, g = a, h = a;
    for (const end = x + (<usize>(n & ~3) << 2); x < end; x += 16) {
      const y = x + apart, z = y + apart, w = z + apart;
      a = changetype<O>(0).of(a, wide(x)), b = changetype<O>(0).of(b, wide(x + 8));
      c = changetype<O>(0).of(c, wide(y)), d = changetype<O>(0).of(d, wide(y + 8));
      e = changetype<O>(0).of(e, wide(z)), f = changetype<O>(0).of(f, wide(z + 8));
      g = changetype<O>(0).of(g, wide(w)), h = changetype<O>(0).of(h, wide(w + 8));
    }
    this.end(a, b, x, n & 3, slots);
    this.end(c, d, x + apart, n & 3, slots + 16);
    this.end(e, f, x + 2 * apart, n & 3, slots + 32);
    this.end(g, h, x + 3 * apart, n & 3, slots + 48);
  }

  @inline end(a: v128, b: v128, x: usize, rest: i32, slot: usize): void {
    a = changetype<O>(0).of(a, b);
    a = changetype<O>(0).of(a, v128.shuffle<i64>(a, a, 1, 0));
    for (; rest > 0; rest--) {
      a = changetype<O>(0).of(a, f64x2.splat(<f64>load<f32>(x)));
      x += 4;
    }
    v128.store(slot, a);
  }

  /** `rows` rows, `stride` bytes apart, of `n` columns: running results from `to` on. */
  columns(x: usize, stride: usize, rows: i32, n: i32, _from: i32, to: usize): void {
    const start = changetype<O>(0).identity();
    for (let j = 0; j < n; j += 2) v128.store(to + (<usize>j << 3), start);
    for (; rows >= 4; rows -= 4) {
      let at = to;
      for (let j = 0; j < n; j += 4) {
        let from = x + (<usize>j << 2);
        let a = v128.load(at), b = v128.load(at, 16);
        a = changetype<O>(0).of(a, wide(from)), b = changetype<O>(0).of(b, wide(from + 8)), from += stride;
        a = changetype<O>(0).of(a, wide(from)), b = changetype<O>(0).of(b, wide(from + 8)), from += stride;
        a = changetype<O>(0).of(a, wide(from)), b = changetype<O>(0).of(b, wide(from + 8)), from += stride;
        v128.store(at, changetype<O>(0).of(a, wide(from)));
        v128.store(at, changetype<O>(0).of(b, wide(from + 8)), 16);
        at += 32;
      }
      x += 4 * stride;
    }
    for (; rows > 0; rows--) {
      for (let j = 0; j < n; j += 2) {
        const at = to + (<usize>j << 3);
        v128.store(at, changetype<O>(0).of(v128.load(at), wide(x + (<usize>j << 2))));
      }
      x += stride;
    }
  }

  /** The slot of column j. */
  take(to: usize, j: i32, slot: usize): void {
    store<f64>(slot, load<f64>(to + (<usize>j << 3)));
  }

  /** The slot of `have` values and that of `more` after them. */
  join(slot: usize, other: usize, _have: f64, _more: f64): void {
    v128.store(slot, changetype<O>(0).of(v128.load(slot), v128.load(other)));
  }

  finish(slot: usize, to: usize): void {
    store<f32>(to, <f32>(load<f64>(slot) * double(FACTOR)));
  }
}

/** 32 bits taken in as they are. See Wide for the methods. */
@final @unmanaged export class Narrow<O> {
  run(x: usize, n: i32, _from: i32, slot: usize, _thread: i32): void {
    const identity = changetype<O>(0).identity();
    let a = identity, b = a, c = a, d = a;
    let i = 0;
    for (; i + 16 <= n; i += 16) {
      a = changetype<O>(0).of(a, v128.load(x));
      b = changetype<O>(0).of(b, v128.load(x, 16));
      c = changetype<O>(0).of(c, v128.load(x, 32));
      d = changetype<O>(0).of(d, v128.load(x, 48));
      x += 64;
    }
    for (; i + 4 <= n; i += 4) {
      a = changetype<O>(0).of(a, v128.load(x));
      x += 16;
    }
    for (; i < n; i++) {
      a = changetype<O>(0).of(a, v128.load32_lane(x, identity, 0));
      x += 4;
    }
    a = changetype<O>(0).of(changetype<O>(0).of(a, c), changetype<O>(0).of(b, d));
    a = changetype<O>(0).of(a, v128.shuffle<i32>(a, a, 2, 3, 0, 1));
    v128.store(slot, changetype<O>(0).of(a, v128.shuffle<i32>(a, a, 1, 0, 3, 2)));
  }

  columns(x: usize, stride: usize, rows: i32, n: i32, _from: i32, to: usize): void {
    const start = changetype<O>(0).identity();
    for (let j = 0; j < n; j += 4) v128.store(to + (<usize>j << 2), start);
    for (; rows >= 4; rows -= 4) {
      for (let j = 0; j < n; j += 4) {
        const at = to + (<usize>j << 2);
        const from = x + (<usize>j << 2);
        const a = changetype<O>(0).of(v128.load(from), v128.load(from + stride));
        const b = changetype<O>(0).of(v128.load(from + 2 * stride), v128.load(from + 3 * stride));
        v128.store(at, changetype<O>(0).of(v128.load(at), changetype<O>(0).of(a, b)));
      }
      x += 4 * stride;
    }
    for (; rows > 0; rows--) {
      for (let j = 0; j < n; j += 4) {
        const at = to + (<usize>j << 2);
        v128.store(at, changetype<O>(0).of(v128.load(at), v128.load(x + (<usize>j << 2))));
      }
      x += stride;
    }
  }

  take(to: usize, j: i32, slot: usize): void {
    store<i32>(slot, load<i32>(to + (<usize>j << 2)));
  }

  join(slot: usize, other: usize, _have: f64, _more: f64): void {
    v128.store(slot, changetype<O>(0).of(v128.load(slot), v128.load(other)));
  }

  finish(slot: usize, to: usize): void {
    store<i32>(to, load<i32>(slot));
  }
}
