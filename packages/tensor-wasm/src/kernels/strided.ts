/** Copies between memory that is walked in steps and memory in a row, and what is made of nothing. */
import { type Shape, sizeOf, stridesOf } from "@normless/tensor";
import type { Engine } from "../engine.js";
import { fillWith } from "./elementwise.js";
import { CHUNK, flag, type Implementation, unitsOf, wordsOf } from "./implementation.js";
import { forWalks, merge, withColumns, without } from "./walk.js";

/** A side of a transposition is at least so long. */
const SIDE = 4;

interface Steps {
  /** Of the first value, in bytes. */
  readonly pointer: number;
  readonly strides: readonly number[];
}

/** The dimension along which values lie side by side, if it is long enough; else −1. */
function rowOf(sizes: readonly number[], strides: readonly number[]): number {
  for (let d = 0; d < sizes.length; d++) if (strides[d] === 1 && sizes[d] >= SIDE) return d;
  return -1;
}

/** y = x over a shape that both are walked in. */
function copy(engine: Engine, shape: Shape, x: Steps, y: Steps): void {
  const dims = merge(shape, [x.strides, y.strides]);
  const { sizes, strides } = dims;
  if (sizes.includes(0)) return;
  const size = sizeOf(sizes);
  const [p, q] = [rowOf(sizes, strides[0]), rowOf(sizes, strides[1])];
  if (p >= 0 && q >= 0 && p !== q && strides[0][q] !== 0) {
    const rest = without(withColumns(dims, p), q > p ? q : q + 1);
    const [columns, nextX] = [sizes[q], strides[0][q] * 4];
    forWalks(rest, columns, ({ ints, units }, [fromX, fromY]) => {
      const own = [y.pointer + fromY, x.pointer + fromX, columns, nextX, 0];
      engine.run("transpose", units, size, [...own, ...ints]);
    });
    return;
  }
  forWalks(dims, 1, ({ ints, units }, [fromX, fromY]) => {
    engine.run("copySteps", units, size * 0.5, [y.pointer + fromY, x.pointer + fromX, 0, 0, 0, ...ints]);
  });
}

export const strided: Implementation<"strided"> = {
  run(engine, { x }, { shape, strides, offset }, { y }) {
    const from = { pointer: x.pointer + 4 * offset, strides };
    copy(engine, shape, from, { pointer: y.pointer, strides: stridesOf(shape) });
  },
};

export const assign: Implementation<"assign"> = {
  run(engine, { y, x }, { strides, offset }) {
    const to = { pointer: y.pointer + 4 * offset, strides };
    copy(engine, x.shape, { pointer: x.pointer, strides: stridesOf(x.shape) }, to);
  },
};

export const full: Implementation<"full"> = {
  run(engine, _inputs, { value }, { y }) {
    if (value !== undefined) fillWith(engine, y, value);
  },
};

export const range: Implementation<"range"> = {
  run(engine, _inputs, { start, step }, { y }) {
    const ints = [y.pointer, y.size, ...wordsOf(start), ...wordsOf(step), flag(y.dtype === "int32")];
    engine.run("range", unitsOf(y.size, CHUNK), y.size * 0.5, ints);
  },
};
