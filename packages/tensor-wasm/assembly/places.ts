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
  let y = pointer(2) + <usize>slice * bytes;
  let o = slice / M, m = slice % M;
  for (; slice < end; slice++) {
    const from = x + (<usize>o * <usize>N + <usize>load<u32>(index + (<usize>m << 2))) * bytes;
    if (bytes == 4) store<u32>(y, load<u32>(from));
    else copy(from, y, bytes);
    y += bytes;
    if (++m == M) {
      m = 0;
      o++;
    }
  }
}

// @ts-ignore: decorator
@inline
function copy(from: usize, to: usize, bytes: usize): void {
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
function add(from: usize, to: usize, bytes: usize): void {
  let i: usize = 0;
  for (; i + 16 <= bytes; i += 16) v128.store(to + i, f32x4.add(v128.load(to + i), v128.load(from + i)));
  for (; i < bytes; i += 4) store<f32>(to + i, load<f32>(to + i) + load<f32>(from + i));
}

// @ts-ignore: decorator
@inline
function addInt32(from: usize, to: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 4) store<i32>(to + i, load<i32>(to + i) + load<i32>(from + i));
}

/** A value each, of any kind. Unit: some rows (o, m). ints: x, index, y, N, I, M, rows in all (O·M), rows of a unit. */
export function gather(unit: i32): void {
  const N = int(3), I = int(4), M = int(5);
  let row = unit * int(7);
  const end = min(row + int(7), int(6));
  const stride = <usize>I << 2;
  let at = <usize>row * stride;
  for (; row < end; row++) {
    const x = pointer(0) + <usize>((row / M) * N) * stride;
    const index = pointer(1) + at, y = pointer(2) + at;
    for (let i: usize = 0; i < stride; i += 4) store<u32>(y + i, load<u32>(x + <usize>load<u32>(index + i) * stride + i));
    at += stride;
  }
}

/** I = 1. Unit: a part of a row. ints: x, index, y, N, M, length of a part. */
export function gatherRows(unit: i32): void {
  const M = int(4), parts = (M + int(5) - 1) / int(5);
  const o = unit / parts, m = (unit % parts) * int(5);
  const x = pointer(0) + (<usize>(o * int(3)) << 2);
  const first = <usize>(o * M + m) << 2, end = first + (<usize>min(int(5), M - m) << 2);
  const index = pointer(1), y = pointer(2);
  for (let at = first; at < end; at += 4) store<u32>(y + at, load<u32>(x + (<usize>load<u32>(index + at) << 2)));
}

/** Unit: some columns of an o. ints: x, index, y, M, N, I, 1 for int32, columns of a unit. */
export function scatterAdd(unit: i32): void {
  const M = int(3), N = int(4), I = int(5), int32 = int(6) != 0;
  const blocks = (I + int(7) - 1) / int(7);
  const o = unit / blocks, i = (unit % blocks) * int(7);
  const bytes = <usize>min(int(7), I - i) << 2, stride = <usize>I << 2;
  let at = <usize>(o * M) * stride + (<usize>i << 2);
  const y = pointer(2) + <usize>(o * N) * stride + (<usize>i << 2);
  for (let m = 0; m < M; m++) {
    const x = pointer(0) + at, index = pointer(1) + at;
    for (let i: usize = 0; i < bytes; i += 4) {
      const to = y + <usize>load<u32>(index + i) * stride + i;
      if (int32) store<i32>(to, load<i32>(to) + load<i32>(x + i));
      else store<f32>(to, load<f32>(to) + load<f32>(x + i));
    }
    at += stride;
  }
}
