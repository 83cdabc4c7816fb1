/** What goes pair by pair, and by a condition, with NumPy's broadcasting. */
import { type BinaryOp, broadcastStrides } from "@normless/tensor";
import { pairsInt32Operators, pairsOperators } from "../generated/phases.js";
import { CHUNK, flag, type Implementation, type Operand, unitsOf } from "./implementation.js";
import { forWalks, merge, pushLine, type Walk } from "./walk.js";

/** Of float32: all that do not take bool alone. Of int32 and bool: those that take these. */
const codes: { readonly [K in Exclude<BinaryOp, "logicalAnd" | "logicalOr">]: number } = pairsOperators;
const codesInt32: { readonly [K in BinaryOp]?: number } = pairsInt32Operators;

/** Whether an operand is walked with y as one line: it is as long, or a single value. */
const inLine = ({ size }: Operand, y: Operand): boolean => size === y.size || size === 1;

const lineStride = ({ size }: Operand): number => (size === 1 ? 0 : 1);

/** Calls `use` with the walk of operands that are broadcast to y, and where each begins in memory. */
function broadcast(
  y: Operand,
  operands: readonly Operand[],
  use: (walk: Walk, pointers: readonly number[]) => void,
): void {
  if (y.size === 0) return;
  // y itself is walked too, for where it begins when there are more dimensions than one walk has.
  const all = [...operands, y];
  const strides = all.map(({ shape }) => broadcastStrides(shape, y.shape));
  forWalks(merge(y.shape, strides), 1, (walk, offsets) => {
    const pointers = [y.pointer + offsets[operands.length]];
    for (let i = 0; i < operands.length; i++) pointers.push(operands[i].pointer + offsets[i]);
    use(walk, pointers);
  });
}

export const binary: Implementation<"binary"> = {
  run(engine, { a, b }, { op }, { y }) {
    const float = a.dtype === "float32" && op !== "logicalAnd" && op !== "logicalOr";
    const code = float ? codes[op] : (codesInt32[op] ?? NaN);
    const work = y.size * (op === "pow" ? 6 : 0.3);
    if (inLine(a, y) && inLine(b, y)) {
      const ints = [y.pointer, a.pointer, b.pointer, code, flag(!float)];
      pushLine(ints, y.size, lineStride(a), lineStride(b));
      return engine.run("binary", unitsOf(y.size, CHUNK), work, ints);
    }
    broadcast(y, [a, b], ({ ints, units }, pointers) => {
      engine.run("binary", units, work, [...pointers, code, flag(!float), ...ints]);
    });
  },
};

export const where: Implementation<"where"> = {
  run(engine, { condition, a, b }, _attributes, { y }) {
    const work = y.size * 0.4;
    if (inLine(condition, y) && inLine(a, y) && inLine(b, y)) {
      const ints = [y.pointer, condition.pointer, a.pointer, b.pointer, 0];
      pushLine(ints, y.size, lineStride(condition), lineStride(a), lineStride(b));
      return engine.run("where", unitsOf(y.size, CHUNK), work, ints);
    }
    broadcast(y, [condition, a, b], ({ ints, units }, pointers) => {
      engine.run("where", units, work, [...pointers, 0, ...ints]);
    });
  },
};
