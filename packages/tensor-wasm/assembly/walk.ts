/**
 * Tensors that are walked in steps, row by row. The host has merged what it could of the dimensions, so that a row is long
 * where that is possible (src/kernels/walk.ts). A unit does some whole rows, or some columns of one. From one row to the next
 * along the last of their dimensions a place moves by addition; only where that ends is it computed anew.
 *
 * ints from WALK on: dimensions of the rows, columns, columns of a unit, rows, rows of a unit; RANK sizes; then for each
 * operand RANK strides and the one along its columns, in bytes.
 */
import { int } from "./control";

/** The most dimensions that rows may have. The host has these two as well. */
const RANK: i32 = 7;
const WALK: i32 = 5;
const SIZES: i32 = WALK + 5;
const STRIDES: i32 = SIZES + RANK;

// @ts-ignore: decorator
@inline
export function columns(): i32 {
  return int(WALK + 1);
}

// @ts-ignore: decorator
@inline
export function across(): i32 {
  return (columns() + int(WALK + 2) - 1) / int(WALK + 2);
}

/** The first of this unit's columns, and how many they are. */
export function firstColumn(unit: i32): i32 {
  return (unit % across()) * int(WALK + 2);
}

export function columnsFrom(first: i32): i32 {
  return min(int(WALK + 2), columns() - first);
}

/** The first of this unit's rows, and the one that is no more of it. */
export function firstRow(unit: i32): i32 {
  return (unit / across()) * int(WALK + 4);
}

export function endRow(first: i32): i32 {
  return min(first + int(WALK + 4), int(WALK + 3));
}

/** How many rows, this one included, follow at one stride. */
export function straight(row: i32): i32 {
  const rank = int(WALK);
  if (rank == 0) return 1;
  const size = int(SIZES + rank - 1);
  return size - (row % size);
}

/** Where an operand's row begins, from its first value. */
export function place(operand: i32, row: i32): usize {
  let at = 0;
  for (let d = int(WALK) - 1; d >= 0; d--) {
    const size = int(SIZES + d);
    at += (row % size) * int(STRIDES + operand * (RANK + 1) + d);
    row /= size;
  }
  return <usize>at;
}

/** From a row of an operand to the next one. */
// @ts-ignore: decorator
@inline
export function rowStride(operand: i32): usize {
  return int(WALK) == 0 ? 0 : <usize>int(STRIDES + operand * (RANK + 1) + int(WALK) - 1);
}

/** From a column of an operand to the next one. */
// @ts-ignore: decorator
@inline
export function columnStride(operand: i32): usize {
  return <usize>int(STRIDES + operand * (RANK + 1) + RANK);
}

/** The first one, two or three lanes, as far as `n` says. */
// @ts-ignore: decorator
@inline
export function storePart(to: usize, value: v128, n: i32): void {
  if (n & 2) {
    v128.store64_lane(to, value, 0);
    if (n & 1) v128.store32_lane(to, value, 2, 8);
  } else if (n & 1) v128.store32_lane(to, value, 0);
}
