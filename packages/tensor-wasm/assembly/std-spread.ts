/** Statistics of stds by position class and the loss that keeps them together. One value a token: one thread. */
import { int, pointer } from "./control";

const REST: i32 = 2;

/** ints: values, classes, mean (3), count (3), N. */
export function classMean(): void {
  const values = pointer(0), classes = pointer(1), N = int(4);
  for (let k = 0; k < 3; k++) {
    let sum: f64 = 0;
    let count = 0;
    for (let n = 0; n < N; n++) {
      const at = <usize>n << 2;
      if (load<i32>(classes + at) != k) continue;
      sum += <f64>load<f32>(values + at);
      count++;
    }
    const to = <usize>k << 2;
    store<f32>(pointer(2) + to, count > 0 ? <f32>(sum / <f64>count) : 0);
    store<f32>(pointer(3) + to, <f32>count);
  }
}

/** ints: std, classes, loss, target, N. */
export function stdSpread(): void {
  const std = pointer(0), classes = pointer(1), N = int(4);
  let sum: f64 = 0;
  let count = 0;
  for (let n = 0; n < N; n++) {
    const at = <usize>n << 2;
    if (load<i32>(classes + at) != REST) continue;
    sum += <f64>load<f32>(std + at);
    count++;
  }
  const target: f64 = count > 0 ? sum / <f64>count : 1;
  let total: f64 = 0;
  for (let n = 0; n < N; n++) {
    const d = <f64>load<f32>(std + (<usize>n << 2)) - target;
    total += d * d;
  }
  store<f32>(pointer(2), <f32>(total / <f64>N));
  store<f32>(pointer(3), <f32>target);
}

/** ints: dloss, std, target, dstd, N. */
export function stdSpreadGrad(): void {
  const std = pointer(1), dstd = pointer(3), N = int(4);
  const factor = (<f64>load<f32>(pointer(0)) * 2) / <f64>N;
  const target = <f64>load<f32>(pointer(2));
  for (let n = 0; n < N; n++) {
    const at = <usize>n << 2;
    store<f32>(dstd + at, <f32>(factor * (<f64>load<f32>(std + at) - target)));
  }
}
