/** Products of vectors, matrices and stacks of them, and sums of products by a formula. */
import { broadcastShapes, ShapeError, sizeOf, type Tensor } from "@normless/tensor";
import { apply, compose, type Result } from "../apply.js";
import { sendBack } from "../send-back.js";
import type { Value } from "../tape.js";
import { linear } from "./linear.js";
import { expand, reshape, unsqueeze } from "./shape.js";

/** Whether an operand is used with its last two dimensions changing places. */
export interface Transposed {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/** a (G,m,k), b (G,k,n), either with its matrices transposed; one of the two G may be 1. */
function stacks(a: Value, b: Value, { transposeA = false, transposeB = false }: Transposed): Value {
  return apply<readonly [Value, Value], Value>("matmul", [a, b], ([a, b], backend) => {
    const run = (a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean) =>
      backend.run("matmul", { a, b }, { transposeA, transposeB }).y;
    return {
      made: [run(a, b, transposeA, transposeB)],
      backward: (dy, gradients, [av, bv], output) =>
        sendBack(dy, gradients, output, [
          [av, () => (transposeA ? run(b, dy, transposeB, true) : run(dy, b, false, !transposeB))],
          [bv, () => (transposeB ? run(dy, a, true, transposeA) : run(a, dy, !transposeA, false))],
        ]),
    };
  });
}

/**
 * PyTorch's matmul: of two vectors their inner product; of a matrix and a vector their product; of more dimensions those of
 * the last two, for each of the stacks, which broadcast. Where transposed, the last two dimensions change places first.
 * @throws ShapeError where inner sizes differ, stacks do not broadcast, or one is a scalar
 */
export function matmul<A extends Value, B extends Value>(
  a: A,
  b: B,
  transposed: Transposed = {},
): Result<A, B> {
  const { transposeA = false, transposeB = false } = transposed;
  if (a.shape.length === 0 || b.shape.length === 0) {
    throw new ShapeError("matmul", "scalars have no inner dimension", { a: a.shape, b: b.shape }, "See mul.");
  }
  // A weight that all share: one product of all rows, as models have it.
  if (a.shape.length > 1 && b.shape.length === 2 && !transposeA) {
    checkInner(a, b, transposeA, transposeB);
    return linear<A, B>(a, b, undefined, transposeB ? { transposeW: true } : {});
  }
  return compose("matmul", [a, b], (a, b) => {
    const [left, right]: Value[] = [
      a.shape.length === 1 ? unsqueeze(a, transposeA ? 1 : 0) : a,
      b.shape.length === 1 ? unsqueeze(b, transposeB ? 0 : 1) : b,
    ];
    checkInner(left, right, transposeA, transposeB);
    const [stackA, stackB] = [left.shape.slice(0, -2), right.shape.slice(0, -2)];
    const stack = broadcastShapes("matmul", { a: stackA, b: stackB });
    const flat = (x: Value, own: readonly number[]) => {
      const matrix = x.shape.slice(-2);
      // One for all stays one: a product knows how to use it again.
      const alone = sizeOf(own) === 1;
      const all = alone || sizeOf(own) === sizeOf(stack) ? x : expand(x, [...stack, ...matrix]);
      return reshape(all, [alone ? 1 : sizeOf(stack), ...matrix]);
    };
    const y = stacks(flat(left, stackA), flat(right, stackB), transposed);
    const rows = a.shape.length === 1 ? [] : [y.shape[1]];
    const columns = b.shape.length === 1 ? [] : [y.shape[2]];
    return reshape(y, [...stack, ...rows, ...columns]);
  });
}

function checkInner(a: Value, b: Value, transposeA: boolean, transposeB: boolean): void {
  const inner = [a.shape.at(transposeA ? -2 : -1), b.shape.at(transposeB ? -1 : -2)];
  if (inner[0] === inner[1]) return;
  throw new ShapeError("matmul", `inner sizes ${inner.join(" and ")} differ`, { a: a.shape, b: b.shape });
}
