/**
 * y = x·w + bias over the last dimension, and its three gradients. `w` is (K,M) as GPT-2's Conv1D stores it, or
 * (M,K) with `transposeW` (a tied embedding). `columns` computes only some of the M outputs, which is how one
 * `c_attn` weight (C,3C) serves a query/key path and a value path that have different norms.
 */
import { ShapeError } from "../errors.js";
import { type Shape, lastDim, rowsOf } from "../shape.js";
import { contract, float32, KEPT, type Operands, type Shaped } from "./contract.js";

/** The outputs `begin` to `end` (exclusive) out of `of`. */
export interface Columns {
  readonly begin: number;
  readonly end: number;
  readonly of: number;
}
/** How the weight is stored, and which outputs are computed; default (K,M), all. */
export interface LinearAttributes {
  readonly transposeW?: boolean;
  readonly columns?: Columns;
}

/** K and M of a weight, and the range of outputs in force. */
function weightDims(op: string, w: Shaped, { transposeW, columns }: LinearAttributes) {
  if (w.shape.length !== 2) throw new ShapeError(op, "the weight needs two dimensions", { w: w.shape });
  const [K, M] = transposeW ? [w.shape[1], w.shape[0]] : [w.shape[0], w.shape[1]];
  const range = checkColumns(op, columns, M, w.shape);
  return { K, M, ...range };
}

function checkColumns(op: string, columns: Columns | undefined, M: number, shape: Shape) {
  const { begin, end, of } = columns ?? { begin: 0, end: M, of: M };
  if (of !== M || begin < 0 || end > M || begin >= end) {
    throw new ShapeError(op, `columns ${begin} to ${end} of ${of} do not fit ${M} outputs`, {
      operand: shape,
    });
  }
  return { begin, end };
}

/** The shape of x·w + bias. @throws ShapeError in the name of `op`. */
export function linearShape(
  op: string,
  { x, w, bias }: Operands<"x" | "w", "bias", Shaped>,
  attributes: LinearAttributes,
): Shape {
  const { K, M, begin, end } = weightDims(op, w, attributes);
  if (lastDim(x.shape) !== K) {
    const fix =
      lastDim(x.shape) === M ? "Is the weight transposed? Try transposeW." : "x (...,K) goes with w (K,M).";
    throw new ShapeError(
      op,
      `x has ${lastDim(x.shape)} channels, w takes ${K}`,
      { x: x.shape, w: w.shape },
      fix,
    );
  }
  if (bias && (bias.shape.length !== 1 || bias.shape[0] !== M)) {
    throw new ShapeError(op, `the bias needs shape [${M}]`, { w: w.shape, bias: bias.shape });
  }
  return [...x.shape.slice(0, -1), end - begin];
}

/** x (...,K), w (K,M), bias (M) → y (...,M), or (...,end − begin) with `columns`. w may be bfloat16. */
export const linear = contract<LinearAttributes>()({
  inputs: ["x", "w"],
  dtypes: { w: KEPT },
  optional: ["bias"],
  outputs: ["y"],
  infer: (operands, attributes) => ({ y: float32(linearShape("linear", operands, attributes)) }),
  naive({ x, w, bias }, attributes, { y }) {
    const { K, M, begin, end } = weightDims("linear", w, attributes);
    const rows = rowsOf(x.shape);
    for (let n = 0; n < rows; n++) {
      for (let m = begin; m < end; m++) {
        let sum = bias ? bias.data[m] : 0;
        for (let k = 0; k < K; k++) {
          sum += x.data[n * K + k] * w.data[attributes.transposeW ? m * K + k : k * M + m];
        }
        y.data[n * (end - begin) + m - begin] = sum;
      }
    }
  },
});

/** dx = dy·wᵀ: (...,M) → (...,K). */
export const linearGradInput = contract<LinearAttributes>()({
  inputs: ["dy", "w"],
  outputs: ["dx"],
  infer({ dy, w }, attributes) {
    const { K, begin, end } = weightDims("linearGradInput", w, attributes);
    if (lastDim(dy.shape) !== end - begin) {
      throw new ShapeError("linearGradInput", `dy needs ${end - begin} channels`, {
        dy: dy.shape,
        w: w.shape,
      });
    }
    return { dx: float32([...dy.shape.slice(0, -1), K]) };
  },
  naive({ dy, w }, attributes, { dx }) {
    const { K, M, begin, end } = weightDims("linearGradInput", w, attributes);
    const rows = rowsOf(dy.shape);
    for (let n = 0; n < rows; n++) {
      for (let k = 0; k < K; k++) {
        let sum = 0;
        for (let m = begin; m < end; m++) {
          sum +=
            dy.data[n * (end - begin) + m - begin] * w.data[attributes.transposeW ? m * K + k : k * M + m];
        }
        dx.data[n * K + k] = sum;
      }
    }
  },
});

/** dw = xᵀ·dy in the layout of w, zero outside `columns`; meant to be added `into` the gradient. */
export const linearGradWeight = contract<LinearAttributes>()({
  inputs: ["x", "dy"],
  outputs: ["dw"],
  infer({ x, dy }, { transposeW, columns }) {
    const K = lastDim(x.shape);
    const M = columns?.of ?? lastDim(dy.shape);
    const { begin, end } = checkColumns("linearGradWeight", columns, M, dy.shape);
    if (rowsOf(x.shape) !== rowsOf(dy.shape) || lastDim(dy.shape) !== end - begin) {
      throw new ShapeError("linearGradWeight", "x (...,K) and dy (...,M) do not go together", {
        x: x.shape,
        dy: dy.shape,
      });
    }
    return { dw: float32(transposeW ? [M, K] : [K, M]) };
  },
  naive({ x, dy }, { transposeW, columns }, { dw }) {
    const K = lastDim(x.shape);
    const width = lastDim(dy.shape);
    const { begin, of } = columns ?? { begin: 0, of: width };
    const rows = rowsOf(x.shape);
    for (let k = 0; k < K; k++) {
      for (let m = 0; m < width; m++) {
        let sum = 0;
        for (let n = 0; n < rows; n++) sum += x.data[n * K + k] * dy.data[n * width + m];
        dw.data[transposeW ? (begin + m) * K + k : k * of + begin + m] = sum;
      }
    }
  },
});

/** dbias = column sums of dy, zero outside `columns`. */
export const linearGradBias = contract<Pick<LinearAttributes, "columns">>()({
  inputs: ["dy"],
  outputs: ["dbias"],
  infer({ dy }, { columns }) {
    const M = columns?.of ?? lastDim(dy.shape);
    const { begin, end } = checkColumns("linearGradBias", columns, M, dy.shape);
    if (lastDim(dy.shape) !== end - begin) {
      throw new ShapeError("linearGradBias", `dy needs ${end - begin} channels`, { dy: dy.shape });
    }
    return { dbias: float32([M]) };
  },
  naive({ dy }, { columns }, { dbias }) {
    const width = lastDim(dy.shape);
    const rows = rowsOf(dy.shape);
    for (let m = 0; m < width; m++) {
      let sum = 0;
      for (let n = 0; n < rows; n++) sum += dy.data[n * width + m];
      dbias.data[(columns?.begin ?? 0) + m] = sum;
    }
  },
});
