/** LayerNorm over rows of C values, its gradient, and the std of each row with its gradient. */
import { float, int, pointer } from "./control";
import { centerOf, normalizeRow, ROWS, sumCentered, sumSquaredCentered } from "./rows";
import { fma, splat, sumLanes } from "./simd";

/** ints: x, gamma, beta, y, mean, rstd, N, C; floats: eps. */
export function layerNorm(unit: i32): void {
  const gamma = pointer(1), beta = pointer(2), means = pointer(4), rstds = pointer(5), C = int(7);
  const end = min((unit + 1) * ROWS, int(6));
  for (let n = unit * ROWS; n < end; n++) {
    const offset = (<usize>n * <usize>C) << 2;
    const x = pointer(0) + offset;
    const center = centerOf(x, C);
    const rest = sumCentered(x, C, center) / <f32>C;
    const variance = sumSquaredCentered(x, C, center) / <f32>C - rest * rest;
    const rstd: f32 = 1 / sqrt<f32>(variance + float(0));
    store<f32>(means + (<usize>n << 2), center + rest);
    store<f32>(rstds + (<usize>n << 2), rstd);
    normalizeRow(x, pointer(3) + offset, C, center, rest, rstd, gamma, beta);
  }
}

/**
 * dx of a chunk of rows, and the chunk's own dgamma and dbeta, which addRows sums up afterwards.
 * ints: dy, x, gamma, mean, rstd, dx, N, C, partials (units, 2C), 1 to add to dx.
 */
export function layerNormGrad(unit: i32): void {
  const gamma = pointer(2), C = int(7), add = int(9) != 0;
  const dgamma = pointer(8) + ((<usize>unit * 2 * <usize>C) << 2);
  const dbeta = dgamma + (<usize>C << 2);
  memory.fill(dgamma, 0, <usize>C << 3);
  const end = min((unit + 1) * ROWS, int(6));
  for (let n = unit * ROWS; n < end; n++) {
    const offset = (<usize>n * <usize>C) << 2;
    const dy = pointer(0) + offset, x = pointer(1) + offset, dx = pointer(5) + offset;
    const mean = load<f32>(pointer(3) + (<usize>n << 2));
    const rstd = load<f32>(pointer(4) + (<usize>n << 2));
    const mean4 = splat(mean), rstd4 = splat(rstd);
    let sumA = splat(0), sumAX = splat(0);
    let i = 0;
    for (; i + 4 <= C; i += 4) {
      const at = <usize>i << 2;
      const g = v128.load(dy + at);
      const h = f32x4.mul(f32x4.sub(v128.load(x + at), mean4), rstd4);
      const a = f32x4.mul(g, v128.load(gamma + at));
      sumA = f32x4.add(sumA, a);
      sumAX = fma(a, h, sumAX);
      v128.store(dgamma + at, fma(g, h, v128.load(dgamma + at)));
      v128.store(dbeta + at, f32x4.add(v128.load(dbeta + at), g));
    }
    let totalA = sumLanes(sumA), totalAX = sumLanes(sumAX);
    for (; i < C; i++) {
      const at = <usize>i << 2;
      const g = load<f32>(dy + at);
      const h = (load<f32>(x + at) - mean) * rstd;
      const a = g * load<f32>(gamma + at);
      totalA += a;
      totalAX += a * h;
      store<f32>(dgamma + at, load<f32>(dgamma + at) + g * h);
      store<f32>(dbeta + at, load<f32>(dbeta + at) + g);
    }
    const meanA = totalA / <f32>C, meanAX = totalAX / <f32>C;
    const meanA4 = splat(meanA), meanAX4 = splat(meanAX);
    for (i = 0; i + 4 <= C; i += 4) {
      const at = <usize>i << 2;
      const h = f32x4.mul(f32x4.sub(v128.load(x + at), mean4), rstd4);
      const a = f32x4.mul(v128.load(dy + at), v128.load(gamma + at));
      const d = f32x4.mul(f32x4.sub(f32x4.sub(a, meanA4), f32x4.mul(h, meanAX4)), rstd4);
      v128.store(dx + at, add ? f32x4.add(v128.load(dx + at), d) : d);
    }
    for (; i < C; i++) {
      const at = <usize>i << 2;
      const h = (load<f32>(x + at) - mean) * rstd;
      const a = load<f32>(dy + at) * load<f32>(gamma + at);
      const d = (a - meanA - h * meanAX) * rstd;
      store<f32>(dx + at, add ? load<f32>(dx + at) + d : d);
    }
  }
}

/** ints: x, std, N, C; floats: eps. */
export function rowStd(unit: i32): void {
  const C = int(3);
  const end = min((unit + 1) * ROWS, int(2));
  for (let n = unit * ROWS; n < end; n++) {
    const x = pointer(0) + ((<usize>n * <usize>C) << 2);
    const center = centerOf(x, C);
    const rest = sumCentered(x, C, center) / <f32>C;
    const variance = sumSquaredCentered(x, C, center) / <f32>C - rest * rest;
    store<f32>(pointer(1) + (<usize>n << 2), sqrt<f32>(variance + float(0)));
  }
}

/** ints: dstd, x, std, dx, N, C. */
export function rowStdGrad(unit: i32): void {
  const C = int(5);
  const end = min((unit + 1) * ROWS, int(4));
  for (let n = unit * ROWS; n < end; n++) {
    const offset = (<usize>n * <usize>C) << 2;
    const x = pointer(1) + offset, dx = pointer(3) + offset;
    const center = centerOf(x, C);
    const rest = sumCentered(x, C, center) / <f32>C;
    const at = <usize>n << 2;
    const factor = load<f32>(pointer(0) + at) / (<f32>C * load<f32>(pointer(2) + at));
    for (let i = 0; i < C; i++) {
      const to = <usize>i << 2;
      store<f32>(dx + to, (load<f32>(x + to) - center - rest) * factor);
    }
  }
}
