/** The place of the largest or the least value, the first of them: its value and its place, in one slot (see fold.ts). */
import { SECOND } from "./fold";

@final @unmanaged export class Argmax {
  /** Whether a is to be taken in b's place: NaN is before all numbers. */
  @inline before(a: v128, b: v128): v128 {
    return v128.or(f32x4.gt(a, b), v128.and(f32x4.ne(a, a), f32x4.eq(b, b)));
  }
}
@final @unmanaged export class Argmin {
  @inline before(a: v128, b: v128): v128 {
    return v128.or(f32x4.lt(a, b), v128.and(f32x4.ne(a, a), f32x4.eq(b, b)));
  }
}
@final @unmanaged export class ArgmaxInt32 { @inline before(a: v128, b: v128): v128 { return i32x4.gt_s(a, b); } }
@final @unmanaged export class ArgminInt32 { @inline before(a: v128, b: v128): v128 { return i32x4.lt_s(a, b); } }

/** See Wide for the methods. */
@final @unmanaged export class Place<O> {
  /** The best value first, by four lanes at a time; then where it is. */
  run(x: usize, n: i32, from: i32, slot: usize, _thread: i32): void {
    let best = v128.load32_splat(x), other = best;
    let i = 0;
    for (; i + 8 <= n; i += 8) {
      const a = v128.load(x + (<usize>i << 2)), b = v128.load(x + (<usize>i << 2), 16);
      best = v128.bitselect(a, best, changetype<O>(0).before(a, best));
      other = v128.bitselect(b, other, changetype<O>(0).before(b, other));
    }
    for (; i < n; i++) best = this.better(v128.load32_splat(x + (<usize>i << 2)), best);
    best = this.better(other, best);
    best = this.better(v128.shuffle<i32>(best, best, 2, 3, 0, 1), best);
    best = this.better(v128.shuffle<i32>(best, best, 1, 0, 3, 2), best);
    let at = x;
    // What follows the last value may be as good, but comes after it.
    while (!v128.any_true(this.equal(v128.load(at), best))) at += 16;
    const place = <i32>((at - x) >> 2) + ctz(i32x4.bitmask(this.equal(v128.load(at), best)));
    store<i32>(slot, i32x4.extract_lane(best, 0));
    store<i32>(slot, from + place, 8);
  }

  @inline better(a: v128, b: v128): v128 {
    return v128.bitselect(a, b, changetype<O>(0).before(a, b));
  }

  /** Where nothing is before `value`, of which nothing is worse than `best`. */
  @inline equal(value: v128, best: v128): v128 {
    return v128.not(changetype<O>(0).before(best, value));
  }

  columns(x: usize, stride: usize, rows: i32, n: i32, from: i32, to: usize): void {
    const places = to + SECOND;
    const bytes = <usize>((n + 3) & ~3) << 2;
    memory.copy(to, x, bytes);
    for (let at: usize = 0; at < bytes; at += 16) v128.store(places + at, i32x4.splat(from));
    for (let row = 1; row < rows; row++) {
      x += stride;
      const here = i32x4.splat(from + row);
      for (let at: usize = 0; at < bytes; at += 16) {
        const value = v128.load(x + at), best = v128.load(to + at);
        const before = changetype<O>(0).before(value, best);
        v128.store(to + at, v128.bitselect(value, best, before));
        v128.store(places + at, v128.bitselect(here, v128.load(places + at), before));
      }
    }
  }

  take(to: usize, j: i32, slot: usize): void {
    store<i32>(slot, load<i32>(to + (<usize>j << 2)));
    store<i32>(slot, load<i32>(to + SECOND + (<usize>j << 2)), 8);
  }

  join(slot: usize, other: usize, _have: f64, _more: f64): void {
    if (v128.any_true(changetype<O>(0).before(v128.load32_splat(other), v128.load32_splat(slot)))) {
      v128.store(slot, v128.load(other));
    }
  }

  finish(slot: usize, to: usize): void {
    store<i32>(to, load<i32>(slot, 8));
  }
}
