/** Scaling, filling, and the sums to a scalar. */
import type { Engine } from "../engine.js";
import { pairsInt32Operators } from "../generated/phases.js";
import { bitsOf, CHUNK, flag, type Implementation, type Operand, unitsOf } from "./implementation.js";
import { pushLine } from "./walk.js";

export const scale: Implementation<"scale"> = {
  run(engine, { x, by }, { factor }, { y }) {
    const ints = [x.pointer, y.pointer, y.size, by?.pointer ?? 0];
    engine.run("scale", unitsOf(y.size, CHUNK), y.size * 0.3, ints, [factor]);
  },
};

/** target += the values at `pointer`, which are of its kind and as many. */
export function addTo(engine: Engine, target: Operand, pointer: number): void {
  const { size } = target;
  if (target.dtype === "float32") {
    return engine.run("add", unitsOf(size, CHUNK), size * 0.3, [
      target.pointer,
      pointer,
      target.pointer,
      size,
    ]);
  }
  const ints = [target.pointer, target.pointer, pointer, pairsInt32Operators.add, 1];
  pushLine(ints, size, 1, 1);
  engine.run("binary", unitsOf(size, CHUNK), size * 0.3, ints);
}

/** Every value becomes this one. */
export function fillWith(engine: Engine, { pointer, size, dtype }: Operand, value: number): void {
  engine.run("fill", unitsOf(size, CHUNK), size * 0.2, [pointer, size, bitsOf(value, dtype)]);
}

export const fill: Implementation<"fill"> = {
  run: (engine, { x }, { value }) => fillWith(engine, x, value),
};

/** For gradients that only a part of is written. */
export const zero = (engine: Engine, x: Operand): void => fillWith(engine, x, 0);

/** Columns of a unit of addRows (assembly/elementwise.ts). */
const SUMMED = 256;

/** to (n) (+)= Σ x (rows,n), in the rows' order; `stride` is in floats from one to the next, the pointers are in bytes. */
export function addRows(
  engine: Engine,
  x: { readonly pointer: number; readonly rows: number; readonly n: number; readonly stride: number },
  to: { readonly pointer: number; readonly add: boolean },
): void {
  const { pointer, rows, n, stride } = x;
  const ints = [pointer, rows, n, stride, to.pointer, flag(to.add)];
  engine.run("addRows", unitsOf(n, SUMMED), rows * n * 0.2, ints);
}

/** Float64 sums of chunks of a fixed size, then of those sums in order. */
function reduce(engine: Engine, phase: "sumChunks" | "sumSquaresChunks", x: Operand, to: Operand): void {
  const chunks = unitsOf(x.size, CHUNK);
  const partials = engine.scratch(chunks * 8);
  engine.run(phase, chunks, x.size * 0.3, [x.pointer, x.size, partials]);
  engine.run("sumPartials", 1, 0, [partials, chunks, to.pointer]);
}

export const sum: Implementation<"sum"> = {
  run: (engine, { x }, _attributes, { y }) => reduce(engine, "sumChunks", x, y),
};

export const sumSquares: Implementation<"sumSquares"> = {
  run: (engine, { x }, _attributes, { total }) => reduce(engine, "sumSquaresChunks", x, total),
};
