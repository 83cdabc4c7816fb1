/** Reductions that need two numbers for what they have seen: variance (mean, Σ(x − mean)²) and log Σe^x (maximum, Σe^(x − maximum)). */
import { double } from "./control";
import { expOf } from "./exp";
import { COLUMNS, FACTOR, Max, Narrow, SECOND, THIRD, wide } from "./fold";
import { exp4, fma2, ln, maxOf } from "./simd";

/** How many values each column has, behind its running results. */
const COUNT: usize = THIRD + (<usize>COLUMNS << 2);

/**
 * In one pass, by distances from the first value: what cancels in Σd² − (Σd)²/n is at most n roundings of float64, since the
 * first value's own distance is in the result.
 */
@final @unmanaged export class Variance {
  run(x: usize, n: i32, _from: i32, slot: usize, _thread: i32): void {
    const first = n > 0 ? <f64>load<f32>(x) : 0;
    const shift = f64x2.splat(first);
    let a = f64x2.splat(0), b = a, c = a, d = a, aa = a, bb = a, cc = a, dd = a;
    // Memory is read faster from two places than from one.
    const half = (n >> 1) & ~3, apart = <usize>half << 2;
    for (const end = x + apart; x < end; x += 16) {
      const p = f64x2.sub(wide(x), shift), q = f64x2.sub(wide(x + 8), shift);
      const r = f64x2.sub(wide(x + apart), shift), s = f64x2.sub(wide(x + apart + 8), shift);
      a = f64x2.add(a, p), b = f64x2.add(b, q), c = f64x2.add(c, r), d = f64x2.add(d, s);
      aa = fma2(p, p, aa), bb = fma2(q, q, bb), cc = fma2(r, r, cc), dd = fma2(s, s, dd);
    }
    x += apart;
    let s = addLanes(f64x2.add(f64x2.add(a, b), f64x2.add(c, d)));
    let q = addLanes(f64x2.add(f64x2.add(aa, bb), f64x2.add(cc, dd)));
    for (let i = 2 * half; i < n; i++) {
      const d = <f64>load<f32>(x) - first;
      s += d;
      q += d * d;
      x += 4;
    }
    settle(slot, first, s, q, <f64>n);
  }

  columns(x: usize, stride: usize, rows: i32, n: i32, _from: i32, to: usize): void {
    const bytes = <usize>((n + 3) & ~3) << 3;
    memory.fill(to, 0, bytes);
    memory.fill(to + SECOND, 0, bytes);
    if (rows > 0) memory.copy(to + THIRD, x, bytes >> 1);
    store<f64>(to + COUNT, <f64>rows);
    for (; rows >= 4; rows -= 4) {
      for (let j: usize = 0; j < <usize>n; j += 2) {
        const at = to + (j << 3), shift = wide(to + THIRD + (j << 2));
        let from = x + (j << 2);
        const p = f64x2.sub(wide(from), shift);
        from += stride;
        const q = f64x2.sub(wide(from), shift);
        from += stride;
        const r = f64x2.sub(wide(from), shift);
        const s = f64x2.sub(wide(from + stride), shift);
        v128.store(at, f64x2.add(v128.load(at), f64x2.add(f64x2.add(p, q), f64x2.add(r, s))));
        const squares = fma2(q, q, fma2(p, p, v128.load(at + SECOND)));
        v128.store(at + SECOND, fma2(s, s, fma2(r, r, squares)));
      }
      x += 4 * stride;
    }
    for (; rows > 0; rows--) {
      for (let j: usize = 0; j < <usize>n; j += 2) {
        const at = to + (j << 3);
        const d = f64x2.sub(wide(x + (j << 2)), wide(to + THIRD + (j << 2)));
        v128.store(at, f64x2.add(v128.load(at), d));
        v128.store(at + SECOND, fma2(d, d, v128.load(at + SECOND)));
      }
      x += stride;
    }
  }

  take(to: usize, j: i32, slot: usize): void {
    const at = to + (<usize>j << 3);
    const first = <f64>load<f32>(to + THIRD + (<usize>j << 2));
    settle(slot, first, load<f64>(at), load<f64>(at + SECOND), load<f64>(to + COUNT));
  }

  join(slot: usize, other: usize, have: f64, more: f64): void {
    const all = have + more;
    const apart = load<f64>(other) - load<f64>(slot);
    store<f64>(slot, load<f64>(slot) + (apart * more) / all);
    store<f64>(slot, load<f64>(slot, 8) + load<f64>(other, 8) + (apart * apart * have * more) / all, 8);
  }

  finish(slot: usize, to: usize): void {
    store<f32>(to, <f32>(load<f64>(slot, 8) * double(FACTOR)));
  }
}

function settle(slot: usize, first: f64, sum: f64, squares: f64, n: f64): void {
  store<f64>(slot, first + sum / n);
  store<f64>(slot, n > 0 ? max(squares - (sum * sum) / n, 0) : 0, 8);
}

// @ts-ignore: decorator
@inline
export function addLanes(x: v128): f64 {
  return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1);
}

/** Where the largest is not finite, it is the result. */
@final @unmanaged export class LogSumExp {
  run(x: usize, n: i32, from: i32, slot: usize, thread: i32): void {
    let most = n > 0 ? maxOf(x, n) : -Infinity;
    if (!isFinite(most)) {
      // Then it is the result, unless there is NaN, which has been left out.
      changetype<Narrow<Max>>(0).run(x, n, from, slot, thread);
      most = load<f32>(slot);
    }
    store<f64>(slot, <f64>most);
    store<f64>(slot, expOf(x, 0, n, most, thread), 8);
  }

  columns(x: usize, stride: usize, rows: i32, n: i32, from: i32, to: usize): void {
    const most = to + SECOND;
    changetype<Narrow<Max>>(0).columns(x, stride, rows, n, from, most);
    memory.fill(to, 0, <usize>((n + 3) & ~3) << 3);
    for (; rows > 0; rows--) {
      for (let j: usize = 0; j < <usize>n; j += 4) {
        const e = exp4(f32x4.sub(v128.load(x + (j << 2)), v128.load(most + (j << 2))));
        const at = to + (j << 3);
        v128.store(at, f64x2.add(v128.load(at), f64x2.promote_low_f32x4(e)));
        v128.store(at, f64x2.add(v128.load(at, 16), f64x2.promote_low_f32x4(v128.shuffle<i32>(e, e, 2, 3, 2, 3))), 16);
      }
      x += stride;
    }
  }

  take(to: usize, j: i32, slot: usize): void {
    store<f64>(slot, <f64>load<f32>(to + SECOND + (<usize>j << 2)));
    store<f64>(slot, load<f64>(to + (<usize>j << 3)), 8);
  }

  join(slot: usize, other: usize, _have: f64, _more: f64): void {
    const one = load<f64>(slot), two = load<f64>(other);
    const most = max(one, two);
    const sum = scaled(load<f64>(slot, 8), one, most) + scaled(load<f64>(other, 8), two, most);
    store<f64>(slot, most);
    store<f64>(slot, sum, 8);
  }

  finish(slot: usize, to: usize): void {
    const most = load<f64>(slot);
    store<f32>(to, <f32>(isFinite(most) ? most + ln(load<f64>(slot, 8)) : most));
  }
}

function scaled(sum: f64, own: f64, most: f64): f64 {
  return own == -Infinity ? 0 : sum * NativeMath.exp(own - most);
}
