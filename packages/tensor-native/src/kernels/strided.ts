/** Copies between memory that is walked in steps and memory in a row (native/strided.c), and what is made of nothing. */
import { type Shape, stridesOf } from "@normless/tensor";
import type { Engine } from "../engine.js";
import { declare } from "../library.js";
import { fillWith } from "./elementwise.js";
import { flag, type Implementation } from "./implementation.js";
import { merge, stepsOf, withColumns, without } from "./walk.js";

const copySteps = declare("int copy_steps(engine *e, int32_t *y, const int32_t *x, const void *steps)");
const transpose = declare(
  "int transpose(engine *e, int32_t *y, const int32_t *x, int64_t across, int64_t step, const void *steps)",
);
const rangeOf = declare("int range(engine *e, int32_t *y, int64_t n, double start, double step, int whole)");

/** A side of a transposition is at least so long. */
const SIDE = 4;

interface Steps {
  /** Of the first value. */
  readonly pointer: number;
  readonly strides: readonly number[];
}

/** y = x over a shape that both are walked in. */
function copy(engine: Engine, shape: Shape, y: Steps, x: Steps): void {
  const dims = merge(shape, [y.strides, x.strides]);
  const { sizes, strides } = dims;
  if (sizes.includes(0)) return;
  const [q, p] = strides.map((own) => own.findIndex((stride, d) => stride === 1 && sizes[d] >= SIDE));
  if (p < 0 || q < 0 || p === q || strides[1][q] === 0) {
    return engine.call(copySteps, y.pointer, x.pointer, stepsOf(dims));
  }
  const rest = without(withColumns(dims, p), q > p ? q : q + 1);
  engine.call(transpose, y.pointer, x.pointer, sizes[q], strides[1][q], stepsOf(rest));
}

export const strided: Implementation<"strided"> = {
  run(engine, { x }, { shape, strides, offset }, { y }) {
    const from = { pointer: x.pointer + 4 * offset, strides };
    copy(engine, shape, { pointer: y.pointer, strides: stridesOf(shape) }, from);
  },
};

export const assign: Implementation<"assign"> = {
  run(engine, { y, x }, { strides, offset }) {
    const to = { pointer: y.pointer + 4 * offset, strides };
    copy(engine, x.shape, to, { pointer: x.pointer, strides: stridesOf(x.shape) });
  },
};

export const full: Implementation<"full"> = {
  run(engine, _inputs, { value }, { y }) {
    if (value !== undefined) fillWith(engine, y, value);
  },
};

export const range: Implementation<"range"> = {
  run: (engine, _inputs, { start, step }, { y }) =>
    engine.call(rangeOf, y.pointer, y.size, start, step, flag(y.dtype === "int32")),
};
