/** From both models' logits to the loss of distillation and its gradient. */
import { int, pointer } from "./control";
import { expRow } from "./exp";
import { fma, ln, maxOf, splat, sumLanes } from "./simd";

const BLOCK: i32 = 48;
const TILE: i32 = 512;

/** to = (a − aShift) − (b − bShift). */
function differences(a: usize, aShift: f32, b: usize, bShift: f32, n: i32, to: usize): void {
  const as = splat(aShift), bs = splat(bShift);
  let i: usize = 0;
  const whole = <usize>(n & ~3) << 2, end = <usize>n << 2;
  for (; i < whole; i += 16) {
    v128.store(to + i, f32x4.sub(f32x4.sub(v128.load(a + i), as), f32x4.sub(v128.load(b + i), bs)));
  }
  for (; i < end; i += 4) store<f32>(to + i, load<f32>(a + i) - aShift - (load<f32>(b + i) - bShift));
}

function dot(a: usize, b: usize, n: i32): f32 {
  let i: usize = 0;
  let lanes = splat(0);
  const whole = <usize>(n & ~3) << 2, end = <usize>n << 2;
  for (; i < whole; i += 16) lanes = fma(v128.load(a + i), v128.load(b + i), lanes);
  let sum = sumLanes(lanes);
  for (; i < end; i += 4) sum += load<f32>(a + i) * load<f32>(b + i);
  return sum;
}

/** a = a·aFactor − b·bFactor; both products are rounded, so that equal ones leave exactly 0. */
function weigh(a: usize, aFactor: f32, b: usize, bFactor: f32, n: i32): void {
  const af = splat(aFactor), bf = splat(bFactor);
  let i: usize = 0;
  const whole = <usize>(n & ~3) << 2, end = <usize>n << 2;
  for (; i < whole; i += 16) {
    v128.store(a + i, f32x4.sub(f32x4.mul(v128.load(a + i), af), f32x4.mul(v128.load(b + i), bf)));
  }
  for (; i < end; i += 4) store<f32>(a + i, load<f32>(a + i) * aFactor - load<f32>(b + i) * bFactor);
}

/**
 * Logits become dlogits = dloss·(q − p) in place, the teacher's exp(logit − their largest). Unit: a block of rows.
 * ints: logits, teacher's logits, ld of both, rows, V, dloss, loss, scratch for a tile, its bytes a thread.
 */
export function klDivergence(unit: i32, thread: i32): void {
  const ld = <usize>int(2) << 2, V = int(4);
  const tile = pointer(7) + <usize>thread * <usize>pointer(8);
  const end = min((unit + 1) * BLOCK, int(3));
  for (let n = unit * BLOCK; n < end; n++) {
    const at = <usize>n << 2;
    const own = pointer(0) + <usize>n * ld, teacher = pointer(1) + <usize>n * ld;
    const top = maxOf(own, V), teacherTop = maxOf(teacher, V);
    let sum: f64 = 0, teacherSum: f64 = 0, weighted: f64 = 0;
    for (let j = 0; j < V; j += TILE) {
      const columns = min(TILE, V - j);
      const q = own + (<usize>j << 2), p = teacher + (<usize>j << 2);
      differences(p, teacherTop, q, top, columns, tile);
      teacherSum += expRow(p, columns, 1, teacherTop, thread);
      sum += expRow(q, columns, 1, top, thread);
      weighted += dot(p, tile, columns);
    }
    store<f32>(pointer(6) + at, <f32>(weighted / teacherSum + ln(sum) - ln(teacherSum)));
    const dloss = <f64>load<f32>(pointer(5) + at);
    weigh(own, <f32>(dloss / sum), teacher, <f32>(dloss / teacherSum), V);
  }
}
