/** LayerNorm with a constant std for each position class, and its gradient. */
import { float, int, pointer } from "./control";
import { centerOf, normalizeRow, ROWS, sumCentered } from "./rows";
import { fma, splat, sumLanes } from "./simd";

/** ints: x, gamma, beta, classes, y, N, C; floats: std of the three classes. */
export function frozenNorm(unit: i32): void {
  const gamma = pointer(1), beta = pointer(2), classes = pointer(3), C = int(6);
  const end = min((unit + 1) * ROWS, int(5));
  for (let n = unit * ROWS; n < end; n++) {
    const offset = (<usize>n * <usize>C) << 2;
    const x = pointer(0) + offset;
    const center = centerOf(x, C);
    const rest = sumCentered(x, C, center) / <f32>C;
    const factor: f32 = 1 / float(load<i32>(classes + (<usize>n << 2)));
    normalizeRow(x, pointer(4) + offset, C, center, rest, factor, gamma, beta);
  }
}

/**
 * dx of a chunk of rows, and the chunk's own dgamma and dbeta, which addRows sums up afterwards.
 * ints: dy, x, gamma, classes, dx, N, C, partials (units, 2C), 1 to add to dx; floats: std of the three classes.
 */
export function frozenNormGrad(unit: i32): void {
  const gamma = pointer(2), C = int(6), add = int(8) != 0;
  const dgamma = pointer(7) + ((<usize>unit * 2 * <usize>C) << 2);
  const dbeta = dgamma + (<usize>C << 2);
  memory.fill(dgamma, 0, <usize>C << 3);
  const end = min((unit + 1) * ROWS, int(5));
  for (let n = unit * ROWS; n < end; n++) {
    const offset = (<usize>n * <usize>C) << 2;
    const dy = pointer(0) + offset, x = pointer(1) + offset, dx = pointer(4) + offset;
    const center = centerOf(x, C);
    const rest = sumCentered(x, C, center) / <f32>C;
    const factor: f32 = 1 / float(load<i32>(pointer(3) + (<usize>n << 2)));
    const center4 = splat(center), rest4 = splat(rest), factor4 = splat(factor);
    let sumA = splat(0);
    let i = 0;
    for (; i + 4 <= C; i += 4) {
      const at = <usize>i << 2;
      const g = v128.load(dy + at);
      const h = f32x4.mul(f32x4.sub(f32x4.sub(v128.load(x + at), center4), rest4), factor4);
      sumA = fma(g, v128.load(gamma + at), sumA);
      v128.store(dgamma + at, fma(g, h, v128.load(dgamma + at)));
      v128.store(dbeta + at, f32x4.add(v128.load(dbeta + at), g));
    }
    let totalA = sumLanes(sumA);
    for (; i < C; i++) {
      const at = <usize>i << 2;
      const g = load<f32>(dy + at);
      totalA += g * load<f32>(gamma + at);
      store<f32>(dgamma + at, load<f32>(dgamma + at) + g * ((load<f32>(x + at) - center - rest) * factor));
      store<f32>(dbeta + at, load<f32>(dbeta + at) + g);
    }
    const meanA = (totalA / <f32>C) * factor;
    const meanA4 = splat(meanA);
    for (i = 0; i + 4 <= C; i += 4) {
      const at = <usize>i << 2;
      const a = f32x4.mul(f32x4.mul(v128.load(dy + at), v128.load(gamma + at)), factor4);
      const d = f32x4.sub(a, meanA4);
      v128.store(dx + at, add ? f32x4.add(v128.load(dx + at), d) : d);
    }
    for (; i < C; i++) {
      const at = <usize>i << 2;
      const d = load<f32>(dy + at) * load<f32>(gamma + at) * factor - meanA;
      store<f32>(dx + at, add ? load<f32>(dx + at) + d : d);
    }
  }
}
