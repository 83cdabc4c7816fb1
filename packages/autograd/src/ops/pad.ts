/** Values with more around them. Of any kind. */
import { type Shape, ShapeError, stridesOf } from "@normless/tensor";
import { apply, compose, type Result } from "../apply.js";
import { sendBack } from "../send-back.js";
import type { Value } from "../tape.js";
import { concat, expand, flip, placed, slice } from "./shape.js";

/** What comes around values: a number, or values of x, mirrored about the outermost one, that one again, or from the other end. */
export type Filling = number | "reflect" | "replicate" | "circular";

/**
 * x with more around it: before and after the last dimension, then before and after the one before it, …; negative cuts.
 * @throws ShapeError for too many amounts, or where x has too few values to mirror or to go round
 */
export function pad<X extends Value>(given: X, amounts: readonly number[], filling: Filling = 0): Result<X> {
  return compose("pad", [given], (x) => {
    const rank = x.shape.length;
    if (amounts.length % 2 === 1 || amounts.length > 2 * rank) {
      throw new ShapeError(
        "pad",
        `${amounts.length} amounts`,
        { x: x.shape },
        "Two a dimension, the last one first.",
      );
    }
    const before = (d: number) => amounts[2 * (rank - 1 - d)] ?? 0;
    const after = (d: number) => amounts[2 * (rank - 1 - d) + 1] ?? 0;
    const cut = x.shape.reduce<Value>((x, size, d) => {
      if (before(d) >= 0 && after(d) >= 0) return x;
      return slice(x, d, { start: Math.max(-before(d), 0), end: size + Math.min(after(d), 0) });
    }, x);
    if (typeof filling === "string") {
      return cut.shape.reduce<Value>(
        (x, _, d) => continued(x, d, [Math.max(before(d), 0), Math.max(after(d), 0)], filling),
        cut,
      );
    }
    const grown = (d: number, size: number) => size + Math.max(before(d), 0) + Math.max(after(d), 0);
    return padded(
      cut,
      cut.shape.map((size, d) => grown(d, size)),
      cut.shape.map((_, d) => Math.max(before(d), 0)),
      filling,
    );
  });
}

/** x with its own values before and after along a dimension. */
function continued(
  x: Value,
  d: number,
  [before, after]: readonly [number, number],
  filling: "reflect" | "replicate" | "circular",
): Value {
  if (before === 0 && after === 0) return x;
  const N = x.shape[d];
  const most = { reflect: N - 1, replicate: N > 0 ? Infinity : 0, circular: N }[filling];
  if (Math.max(before, after) > most) {
    throw new ShapeError("pad", `${filling} has ${most} values for ${Math.max(before, after)}`, {
      x: x.shape,
    });
  }
  const edge = (start: number, count: number) => {
    const one = slice(x, d, { start, end: start + 1 });
    return expand(
      one,
      x.shape.map((size, i) => (i === d ? count : size)),
    );
  };
  const parts = {
    reflect: () => [
      flip(slice(x, d, { start: 1, end: before + 1 }), d),
      flip(slice(x, d, { start: N - 1 - after, end: N - 1 }), d),
    ],
    replicate: () => [edge(0, before), edge(N - 1, after)],
    circular: () => [slice(x, d, { start: N - before }), slice(x, d, { end: after })],
  }[filling]();
  return concat([parts[0], x, parts[1]], d);
}

/** x in a tensor of `shape`, its first value `at` that place, and another value around it. */
export function padded(given: Value, shape: Shape, at: readonly number[], value: number): Value {
  return apply<readonly [Value], Value>("pad", [given], ([x], backend) => {
    const strides = stridesOf(shape);
    const offset = x.size === 0 ? 0 : at.reduce((sum, place, d) => sum + place * strides[d], 0);
    return {
      made: [placed(x, shape, { strides, offset }, value)],
      backward: (dy, gradients, [xv], output) =>
        sendBack(dy, gradients, output, [
          [xv, () => backend.run("strided", { x: dy }, { shape: x.shape, strides, offset }).y],
        ]),
    };
  });
}
