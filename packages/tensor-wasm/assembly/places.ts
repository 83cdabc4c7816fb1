/**
 * Values by their places along N of (O,N,I), and the gradients. Places are checked (firstOutside) before any of these runs.
 * What is added keeps the order of the places: a unit owns the columns that it adds to.
 */
import { int, pointer } from "./control";

/** Whole slices, of any kind. Unit: some of them. ints: x, index, y, N, I, M, slices in all (O·M), slices of a unit. */
export function indexSelect(unit: i32): void {
  const x = pointer(0), index = pointer(1), N = int(3), M = int(5);
  const bytes = <usize>int(4) << 2;
  let slice = unit * int(7);
  const end = min(slice + int(7), int(6));
  if (bytes == 4) return selectValues(x, index, pointer(2), N, M, slice, end);
  let y = pointer(2) + <usize>slice * bytes;
  let o = slice / M, m = slice % M;
  for (; slice < end; slice++) {
    copy(x + (<usize>o * <usize>N + <usize>load<u32>(index + (<usize>m << 2))) * bytes, y, bytes);
    y += bytes;
    if (++m == M) {
      m = 0;
      o++;
    }
  }
}

/** The same of single values, where a row of x is looked for only once. */
function selectValues(x: usize, index: usize, y: usize, N: i32, M: i32, slice: i32, end: i32): void {
  y += <usize>slice << 2;
  while (slice < end) {
    const o = slice / M, until = min(end, (o + 1) * M);
    const row = x + ((<usize>o * <usize>N) << 2);
    let at = index + (<usize>(slice - o * M) << 2);
    for (const last = at + (<usize>(until - slice) << 2); at < last; at += 4) {
      store<u32>(y, load<u32>(row + (<usize>load<u32>(at) << 2)));
      y += 4;
    }
    slice = until;
  }
}

// @ts-ignore: decorator
@inline
export function copy(from: usize, to: usize, bytes: usize): void {
  if (bytes >= 256) memory.copy(to, from, bytes);
  else {
    let i: usize = 0;
    for (; i + 16 <= bytes; i += 16) v128.store(to + i, v128.load(from + i));
    for (; i < bytes; i += 4) store<u32>(to + i, load<u32>(from + i));
  }
}

/** Unit: some columns of an o. ints: x, index, y, M, N, I, 1 for int32, columns of a unit. */
export function indexAdd(unit: i32): void {
  const index = pointer(1), M = int(3), N = int(4), I = int(5), int32 = int(6) != 0;
  const blocks = (I + int(7) - 1) / int(7);
  const o = unit / blocks, i = (unit % blocks) * int(7);
  const bytes = <usize>min(int(7), I - i) << 2, stride = <usize>I << 2;
  let x = pointer(0) + <usize>(o * M) * stride + (<usize>i << 2);
  const y = pointer(2) + <usize>(o * N) * stride + (<usize>i << 2);
  for (let m = 0; m < M; m++) {
    const to = y + <usize>load<u32>(index + (<usize>m << 2)) * stride;
    if (int32) addInt32(x, to, bytes);
    else add(x, to, bytes);
    x += stride;
  }
}

// @ts-ignore: decorator
@inline
export function add(from: usize, to: usize, bytes: usize): void {
  let i: usize = 0;
  for (; i + 16 <= bytes; i += 16) v128.store(to + i, f32x4.add(v128.load(to + i), v128.load(from + i)));
  for (; i < bytes; i += 4) store<f32>(to + i, load<f32>(to + i) + load<f32>(from + i));
}

// @ts-ignore: decorator
@inline
export function addInt32(from: usize, to: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 4) store<i32>(to + i, load<i32>(to + i) + load<i32>(from + i));
}

/** A value each, of any kind. Unit: some rows (o, m). ints: x, index, y, N, I, M, rows in all (O·M), rows of a unit. */
export function gather(unit: i32): void {
  const I = int(4), M = int(5);
  const stride = <usize>I << 2;
  let row = unit * int(7);
  const end = min(row + int(7), int(6));
  while (row < end) {
    const o = row / M, until = min(end, (o + 1) * M);
    const x = pointer(0) + <usize>(o * int(3)) * stride, moved = pointer(2) - pointer(1);
    let at = pointer(1) + <usize>row * stride;
    if (I == 1) {
      for (const last = at + (<usize>(until - row) << 2); at < last; at += 4) {
        store<u32>(at + moved, load<u32>(x + (<usize>load<u32>(at) << 2)));
      }
    } else {
      for (let m = row; m < until; m++) {
        for (let i: usize = 0; i < stride; i += 4) {
          store<u32>(at + i + moved, load<u32>(x + <usize>load<u32>(at + i) * stride + i));
        }
        at += stride;
      }
    }
    row = until;
  }
}

/** Unit: some columns of an o. ints: x, index, y, M, N, I, 1 for int32, columns of a unit. */
export function scatterAdd(unit: i32): void {
  const M = int(3), N = int(4), I = int(5), int32 = int(6) != 0;
  const blocks = (I + int(7) - 1) / int(7);
  const o = unit / blocks, i = (unit % blocks) * int(7);
  const bytes = <usize>min(int(7), I - i) << 2, stride = <usize>I << 2;
  let x = pointer(0) + <usize>(o * M) * stride + (<usize>i << 2);
  const toIndex = pointer(1) - pointer(0);
  const y = pointer(2) + <usize>(o * N) * stride + (<usize>i << 2);
  if (I == 1 && !int32) {
    for (const last = x + (<usize>M << 2); x < last; x += 4) {
      const to = y + (<usize>load<u32>(x + toIndex) << 2);
      store<f32>(to, load<f32>(to) + load<f32>(x));
    }
    return;
  }
  for (let m = 0; m < M; m++) {
    for (let i: usize = 0; i < bytes; i += 4) {
      const to = y + <usize>load<u32>(x + toIndex + i) * stride + i;
      if (int32) store<i32>(to, load<i32>(to) + load<i32>(x + i));
      else store<f32>(to, load<f32>(to) + load<f32>(x + i));
    }
    x += stride;
  }
}
