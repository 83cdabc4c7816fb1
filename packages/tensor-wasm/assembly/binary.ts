/**
 * What goes pair by pair, and by a condition. As in unary.ts an operator is a class and a line; the loop is one for all ways
 * to broadcast: an operand that is repeated along a row is read from four copies of its value, over and over.
 */
import { int, pointer, tileOf } from "./control";
import { power } from "./power";
import { truth } from "./unary";
import { columns, columnsFrom, columnStride, endRow, firstColumn, firstRow, place, rowStride, storePart, straight } from "./walk";

@final @unmanaged class Add { @inline of(a: v128, b: v128): v128 { return f32x4.add(a, b); } }
@final @unmanaged class Sub { @inline of(a: v128, b: v128): v128 { return f32x4.sub(a, b); } }
@final @unmanaged class Mul { @inline of(a: v128, b: v128): v128 { return f32x4.mul(a, b); } }
@final @unmanaged class Div { @inline of(a: v128, b: v128): v128 { return f32x4.div(a, b); } }
@final @unmanaged class Pow { @inline of(a: v128, b: v128): v128 { return power(a, b); } }
@final @unmanaged class Maximum { @inline of(a: v128, b: v128): v128 { return f32x4.max(a, b); } }
@final @unmanaged class Minimum { @inline of(a: v128, b: v128): v128 { return f32x4.min(a, b); } }
@final @unmanaged class Eq { @inline of(a: v128, b: v128): v128 { return truth(f32x4.eq(a, b)); } }
@final @unmanaged class Ne { @inline of(a: v128, b: v128): v128 { return truth(f32x4.ne(a, b)); } }
@final @unmanaged class Lt { @inline of(a: v128, b: v128): v128 { return truth(f32x4.lt(a, b)); } }
@final @unmanaged class Le { @inline of(a: v128, b: v128): v128 { return truth(f32x4.le(a, b)); } }
@final @unmanaged class Gt { @inline of(a: v128, b: v128): v128 { return truth(f32x4.gt(a, b)); } }
@final @unmanaged class Ge { @inline of(a: v128, b: v128): v128 { return truth(f32x4.ge(a, b)); } }

@final @unmanaged class AddInt32 { @inline of(a: v128, b: v128): v128 { return i32x4.add(a, b); } }
@final @unmanaged class SubInt32 { @inline of(a: v128, b: v128): v128 { return i32x4.sub(a, b); } }
@final @unmanaged class MulInt32 { @inline of(a: v128, b: v128): v128 { return i32x4.mul(a, b); } }
@final @unmanaged class MaximumInt32 { @inline of(a: v128, b: v128): v128 { return i32x4.max_s(a, b); } }
@final @unmanaged class MinimumInt32 { @inline of(a: v128, b: v128): v128 { return i32x4.min_s(a, b); } }
@final @unmanaged class EqInt32 { @inline of(a: v128, b: v128): v128 { return truth(i32x4.eq(a, b)); } }
@final @unmanaged class NeInt32 { @inline of(a: v128, b: v128): v128 { return truth(i32x4.ne(a, b)); } }
@final @unmanaged class LtInt32 { @inline of(a: v128, b: v128): v128 { return truth(i32x4.lt_s(a, b)); } }
@final @unmanaged class LeInt32 { @inline of(a: v128, b: v128): v128 { return truth(i32x4.le_s(a, b)); } }
@final @unmanaged class GtInt32 { @inline of(a: v128, b: v128): v128 { return truth(i32x4.gt_s(a, b)); } }
@final @unmanaged class GeInt32 { @inline of(a: v128, b: v128): v128 { return truth(i32x4.ge_s(a, b)); } }
@final @unmanaged class LogicalAndInt32 { @inline of(a: v128, b: v128): v128 { return v128.and(a, b); } }
@final @unmanaged class LogicalOrInt32 { @inline of(a: v128, b: v128): v128 { return v128.or(a, b); } }

/** Four copies of one value at `to`. */
// @ts-ignore: decorator
@inline
export function repeat(from: usize, to: usize): usize {
  v128.store(to, v128.load32_splat(from));
  return to;
}

/** A row of `n` pairs; a and b move on by so many bytes, or stay. */
function row<O>(y: usize, a: usize, b: usize, moveA: usize, moveB: usize, n: i32): void {
  for (const whole = y + (<usize>(n & ~3) << 2); y < whole; y += 16) {
    v128.store(y, changetype<O>(0).of(v128.load(a), v128.load(b)));
    a += moveA;
    b += moveB;
  }
  if (n & 3) storePart(y, changetype<O>(0).of(v128.load(a), v128.load(b)), n & 3);
}

/** Of float32. */
export function pairs(operator: i32, y: usize, a: usize, b: usize, moveA: usize, moveB: usize, n: i32): void {
  switch (operator) {
    case 0: return row<Add>(y, a, b, moveA, moveB, n);
    case 1: return row<Sub>(y, a, b, moveA, moveB, n);
    case 2: return row<Mul>(y, a, b, moveA, moveB, n);
    case 3: return row<Div>(y, a, b, moveA, moveB, n);
    case 4: return row<Pow>(y, a, b, moveA, moveB, n);
    case 5: return row<Maximum>(y, a, b, moveA, moveB, n);
    case 6: return row<Minimum>(y, a, b, moveA, moveB, n);
    case 7: return row<Eq>(y, a, b, moveA, moveB, n);
    case 8: return row<Ne>(y, a, b, moveA, moveB, n);
    case 9: return row<Lt>(y, a, b, moveA, moveB, n);
    case 10: return row<Le>(y, a, b, moveA, moveB, n);
    case 11: return row<Gt>(y, a, b, moveA, moveB, n);
    case 12: return row<Ge>(y, a, b, moveA, moveB, n);
  }
}

/** Of int32 and bool. */
export function pairsInt32(operator: i32, y: usize, a: usize, b: usize, moveA: usize, moveB: usize, n: i32): void {
  switch (operator) {
    case 0: return row<AddInt32>(y, a, b, moveA, moveB, n);
    case 1: return row<SubInt32>(y, a, b, moveA, moveB, n);
    case 2: return row<MulInt32>(y, a, b, moveA, moveB, n);
    case 3: return row<MaximumInt32>(y, a, b, moveA, moveB, n);
    case 4: return row<MinimumInt32>(y, a, b, moveA, moveB, n);
    case 5: return row<EqInt32>(y, a, b, moveA, moveB, n);
    case 6: return row<NeInt32>(y, a, b, moveA, moveB, n);
    case 7: return row<LtInt32>(y, a, b, moveA, moveB, n);
    case 8: return row<LeInt32>(y, a, b, moveA, moveB, n);
    case 9: return row<GtInt32>(y, a, b, moveA, moveB, n);
    case 10: return row<GeInt32>(y, a, b, moveA, moveB, n);
    case 11: return row<LogicalAndInt32>(y, a, b, moveA, moveB, n);
    case 12: return row<LogicalOrInt32>(y, a, b, moveA, moveB, n);
  }
}

/** ints: y, a, b, operator, 1 for int32 and bool; the walk of a and b. */
export function binary(unit: i32, thread: i32): void {
  const tile = tileOf(thread), operator = int(3), int32 = int(4) != 0;
  const column = firstColumn(unit), n = columnsFrom(column);
  const moveA = columnStride(0) << 2, moveB = columnStride(1) << 2;
  const nextA = rowStride(0), nextB = rowStride(1), nextY = <usize>columns() << 2;
  let row = firstRow(unit);
  let y = pointer(0) + <usize>row * nextY + (<usize>column << 2);
  for (const end = endRow(row); row < end;) {
    let rowA = pointer(1) + place(0, row) + <usize>column * columnStride(0);
    let rowB = pointer(2) + place(1, row) + <usize>column * columnStride(1);
    const until = min(end, row + straight(row));
    for (; row < until; row++) {
      const a = moveA ? rowA : repeat(rowA, tile), b = moveB ? rowB : repeat(rowB, tile + 16);
      if (int32) pairsInt32(operator, y, a, b, moveA, moveB, n);
      else pairs(operator, y, a, b, moveA, moveB, n);
      rowA += nextA;
      rowB += nextB;
      y += nextY;
    }
  }
}

/** a where the condition is true, b elsewhere, of any kind. ints: y, condition, a, b, −; their walk. */
export function where(unit: i32, thread: i32): void {
  const tile = tileOf(thread);
  const column = firstColumn(unit), n = columnsFrom(column);
  const whole = <usize>(n & ~3) << 2, rest = n & 3;
  const moveC = columnStride(0) << 2, moveA = columnStride(1) << 2, moveB = columnStride(2) << 2;
  const nextY = <usize>columns() << 2;
  let row = firstRow(unit);
  let y = pointer(0) + <usize>row * nextY + (<usize>column << 2);
  for (const end = endRow(row); row < end;) {
    let rowC = pointer(1) + place(0, row) + <usize>column * columnStride(0);
    let rowA = pointer(2) + place(1, row) + <usize>column * columnStride(1);
    let rowB = pointer(3) + place(2, row) + <usize>column * columnStride(2);
    const until = min(end, row + straight(row));
    for (; row < until; row++) {
      let c = moveC ? rowC : repeat(rowC, tile);
      let a = moveA ? rowA : repeat(rowA, tile + 16), b = moveB ? rowB : repeat(rowB, tile + 32);
      for (let at: usize = 0; at < whole; at += 16) {
        v128.store(y + at, choose(c, a, b));
        c += moveC;
        a += moveA;
        b += moveB;
      }
      if (rest) storePart(y + whole, choose(c, a, b), rest);
      rowC += rowStride(0);
      rowA += rowStride(1);
      rowB += rowStride(2);
      y += nextY;
    }
  }
}

// @ts-ignore: decorator
@inline
export function choose(condition: usize, a: usize, b: usize): v128 {
  return v128.bitselect(v128.load(a), v128.load(b), i32x4.neg(v128.load(condition)));
}
