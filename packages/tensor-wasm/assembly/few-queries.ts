/**
 * Attention of a few queries (a token in generation) to the keys and values as they lie: packing them would take longer
 * than reading them. Some keys are a unit, with all their heads, so that what is read is one long run; each unit has a
 * softmax of its own, and those of a query are joined in order (Dao et al. 2023, "Flash-Decoding").
 */
import { float, int, pointer } from "./control";
import { expRun } from "./exp";
import { addOne, dot } from "./few-rows";
import { exp1, ln, maxOf, scaleBy } from "./simd";

/** Keys of a unit; at most a RUN of exp.ts. */
const KEYS: i32 = 64;

/**
 * Unit: keys of a batch entry. Its results for each query, one after the other: Σ exp(s − top)·v (C), top and sum (H each).
 * ints: q, k, v, results, B, Tq, Tk, C, H, rows of the cache, scratch, its bytes a thread (scores, (H,64)); floats: 1/√D.
 */
export function fewQueries(unit: i32, thread: i32): void {
  const Tq = int(5), Tk = int(6), C = int(7), H = int(8);
  const scale = float(0);
  const D = C / H, head = <usize>D << 2, row = <usize>C << 2;
  const units = (Tk + KEYS - 1) / KEYS;
  const b = unit / units, j0 = (unit % units) * KEYS;
  const cache = <usize>(b * int(9) + j0) * row;
  const scores = pointer(10) + <usize>thread * <usize>pointer(11);
  for (let i = 0; i < Tq; i++) {
    const q = pointer(0) + <usize>(b * Tq + i) * row;
    const y = pointer(3) + <usize>((unit * Tq + i) * (C + 2 * H)) * 4, tops = y + row, sums = tops + (<usize>H << 2);
    const seen = max(0, min(KEYS, Tk - Tq + i + 1 - j0));
    for (let j = 0; j < seen; j++) {
      const k = pointer(1) + cache + <usize>j * row;
      for (let h: usize = 0; h < <usize>H; h++) {
        store<f32>(scores + (h * KEYS + j) * 4, dot(q + h * head, k + h * head, D));
      }
    }
    for (let h: usize = 0; h < <usize>H; h++) {
      const s = scores + h * (KEYS * 4);
      const top = seen > 0 ? maxOf(s, seen) * scale : -Infinity;
      store<f32>(tops + (h << 2), top);
      store<f32>(sums + (h << 2), expRun(s, seen, scale, top, thread));
    }
    memory.fill(y, 0, row);
    for (let j = 0; j < seen; j++) {
      const v = pointer(2) + cache + <usize>j * row;
      for (let h: usize = 0; h < <usize>H; h++) {
        addOne(load<f32>(scores + (h * KEYS + j) * 4), v + h * head, y + h * head, D);
      }
    }
  }
}

/** Unit: a head of a query. ints: results, y, lse, B, Tq, Tk, C, H. */
export function fewQueriesEnd(unit: i32): void {
  const Tq = int(4), C = int(6), H = int(7);
  const units = (int(5) + KEYS - 1) / KEYS;
  const h = unit % H, i = (unit / H) % Tq, b = unit / (H * Tq);
  const D = C / H;
  const stride = <usize>(Tq * (C + 2 * H)) * 4;
  const first = pointer(0) + <usize>b * <usize>units * stride + <usize>(i * (C + 2 * H)) * 4;
  const tops = first + <usize>(C + h) * 4, sums = tops + (<usize>H << 2), values = first + <usize>(h * D) * 4;
  let top: f32 = -Infinity;
  for (let u = 0; u < units; u++) top = max(top, load<f32>(tops + <usize>u * stride));
  const y = pointer(1) + <usize>((b * Tq + i) * C + h * D) * 4;
  memory.fill(y, 0, <usize>D << 2);
  let sum: f32 = 0;
  for (let u = 0; u < units; u++) {
    const at = <usize>u * stride;
    const weight = exp1(load<f32>(tops + at) - top);
    sum += weight * load<f32>(sums + at);
    addOne(weight, values + at, y, D);
  }
  scaleBy(y, D, 1 / sum);
  store<f32>(pointer(2) + <usize>((b * H + h) * Tq + i) * 4, <f32>(<f64>top + ln(<f64>sum)));
}
