/**
 * The jobs of reductions of x (O,N,I) over N. N is cut into parts by the sizes alone (src/kernels/reduce.ts). What each part
 * comes to is a slot for every (o, part, i); where there are several, a second job joins them in order.
 *
 * ints: x, y or slots, operator, O, N, I, length of a part, parts, what to do, scratch memory, its bytes a thread, factor of
 * the result (float64, two of them), rows or results of a unit.
 */
import { Argmax, ArgmaxInt32, Argmin, ArgminInt32, Place } from "./arguments";
import { int, pointer } from "./control";
import { AllInt32, AnyInt32, COLUMNS, Max, MaxInt32, Min, MinInt32, Narrow, Prod, ProdInt32, Sum, SumInt32, Wide } from "./fold";
import { LogSumExp, Variance } from "./moments";

/** What to do. The host has these, too. */
const ROWS: i32 = 0;
const COLUMN: i32 = 1;
const JOIN: i32 = 2;
const GATHER: i32 = 3;

/** Of a thread's scratch memory, behind the running results: four of them. */
const SLOT: usize = 20608;

function doReduce<K>(unit: i32, thread: i32): void {
  switch (int(8)) {
    case ROWS: return rows<K>(unit, thread);
    case COLUMN: return columns<K>(unit, thread);
    case JOIN: return joinParts<K>(unit, true);
    case GATHER: return joinParts<K>(unit, false);
  }
}

// @ts-ignore: decorator
@inline
export function scratchOf(thread: i32): usize {
  return pointer(9) + <usize>thread * <usize>pointer(10);
}

/** I = 1. Unit: a part, or where rows have one, some rows. */
function rows<K>(unit: i32, thread: i32): void {
  const N = int(4), length = int(6), parts = int(7);
  if (parts > 1) {
    const from = (unit % parts) * length;
    const x = pointer(0) + ((<usize>(unit / parts) * <usize>N + <usize>from) << 2);
    changetype<K>(0).run(x, min(length, N - from), from, pointer(1) + (<usize>unit << 4), thread);
    return;
  }
  const slot = scratchOf(thread) + SLOT;
  const end = min((unit + 1) * int(13), int(3));
  let o = unit * int(13);
  if (isDefined(changetype<K>(0).four)) {
    const bytes = <usize>N << 2;
    for (; o + 4 <= end; o += 4) {
      changetype<K>(0).four(pointer(0) + <usize>o * bytes, bytes, N, slot);
      for (let i: usize = 0; i < 4; i++) changetype<K>(0).finish(slot + (i << 4), pointer(1) + ((<usize>o + i) << 2));
    }
  }
  for (; o < end; o++) {
    changetype<K>(0).run(pointer(0) + ((<usize>o * <usize>N) << 2), N, 0, slot, thread);
    changetype<K>(0).finish(slot, pointer(1) + (<usize>o << 2));
  }
}

/** Unit: some columns of a part. */
function columns<K>(unit: i32, thread: i32): void {
  const N = int(4), I = int(5), length = int(6), parts = int(7);
  const blocks = (I + COLUMNS - 1) / COLUMNS;
  const i = (unit % blocks) * COLUMNS, n = min(COLUMNS, I - i);
  const part = unit / blocks;
  const from = (part % parts) * length, o = part / parts;
  const to = scratchOf(thread), slot = to + SLOT;
  const x = pointer(0) + ((<usize>(o * N + from) * <usize>I + <usize>i) << 2);
  changetype<K>(0).columns(x, <usize>I << 2, min(length, N - from), n, from, to);
  const first = part * I + i;
  for (let j = 0; j < n; j++) {
    if (parts > 1) changetype<K>(0).take(to, j, pointer(1) + (<usize>(first + j) << 4));
    else {
      changetype<K>(0).take(to, j, slot);
      changetype<K>(0).finish(slot, pointer(1) + (<usize>(first + j) << 2));
    }
  }
}

/** x: slots. Unit: some results. Each goes into y, or stays in the slot of its first part. */
function joinParts<K>(unit: i32, finish: bool): void {
  const N = int(4), I = int(5), length = int(6), parts = int(7);
  const end = min((unit + 1) * int(13), int(3) * I);
  for (let at = unit * int(13); at < end; at++) {
    const slot = pointer(0) + (<usize>((at / I) * parts * I + (at % I)) << 4);
    let other = slot;
    for (let part = 1; part < parts; part++) {
      other += <usize>I << 4;
      changetype<K>(0).join(slot, other, <f64>(part * length), <f64>min(length, N - part * length));
    }
    if (finish) changetype<K>(0).finish(slot, pointer(1) + (<usize>at << 2));
  }
}

/** Of float32. */
export function reduce(unit: i32, thread: i32): void {
  switch (int(2)) {
    case 0: return doReduce<Wide<Sum>>(unit, thread);
    case 1: return doReduce<Wide<Prod>>(unit, thread);
    case 2: return doReduce<Narrow<Max>>(unit, thread);
    case 3: return doReduce<Narrow<Min>>(unit, thread);
    case 4: return doReduce<Variance>(unit, thread);
    case 5: return doReduce<LogSumExp>(unit, thread);
    case 6: return doReduce<Place<Argmax>>(unit, thread);
    case 7: return doReduce<Place<Argmin>>(unit, thread);
  }
}

/** Of int32 and bool. */
export function reduceInt32(unit: i32, thread: i32): void {
  switch (int(2)) {
    case 0: return doReduce<Narrow<SumInt32>>(unit, thread);
    case 1: return doReduce<Narrow<ProdInt32>>(unit, thread);
    case 2: return doReduce<Narrow<MaxInt32>>(unit, thread);
    case 3: return doReduce<Narrow<MinInt32>>(unit, thread);
    case 4: return doReduce<Narrow<AnyInt32>>(unit, thread);
    case 5: return doReduce<Narrow<AllInt32>>(unit, thread);
    case 6: return doReduce<Place<ArgmaxInt32>>(unit, thread);
    case 7: return doReduce<Place<ArgminInt32>>(unit, thread);
  }
}
