/** Operands of a product, and a few rows of the true result: float64 sums. Whole products of these sizes take minutes. */
import { uniform } from "@normless/tensor/testing";
import type { ProductOp, ProductShape } from "./shapes.js";

/** Row-major values. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array;
}

export interface ProductData {
  readonly shape: ProductShape;
  /** (rows,K) */
  readonly x: Matrix;
  /** (K,M), or (M,K) with `transposeW` */
  readonly w: Matrix;
  /** (rows,M) */
  readonly dy: Matrix;
}

function randomMatrix(rows: number, columns: number, seed: number): Matrix {
  const next = uniform(seed);
  const data = new Float32Array(rows * columns);
  for (let i = 0; i < data.length; i++) data[i] = 2 * next() - 1;
  return { rows, columns, data };
}

export function productData(shape: ProductShape): ProductData {
  const { rows, K, M, transposeW } = shape;
  return {
    shape,
    x: randomMatrix(rows, K, 1),
    w: transposeW ? randomMatrix(M, K, 2) : randomMatrix(K, M, 2),
    dy: randomMatrix(rows, M, 3),
  };
}

export function transpose({ rows, columns, data }: Matrix): Matrix {
  const turned = new Float32Array(data.length);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) turned[j * rows + i] = data[i * columns + j];
  return { rows: columns, columns: rows, data: turned };
}

/** Rows of a·b, one after the other. */
export function rowsOfProduct(a: Matrix, b: Matrix, picked: readonly number[]): Float64Array {
  const out = new Float64Array(picked.length * b.columns);
  for (const [r, row] of picked.entries()) {
    const target = out.subarray(r * b.columns, (r + 1) * b.columns);
    for (let k = 0; k < a.columns; k++) {
      const factor = a.data[row * a.columns + k];
      const begin = k * b.columns;
      for (let j = 0; j < b.columns; j++) target[j] += factor * b.data[begin + j];
    }
  }
  return out;
}

/** The two matrices whose plain product an op gives. */
export function factors({ shape, x, w, dy }: ProductData, op: ProductOp): readonly [Matrix, Matrix] {
  const forward = shape.transposeW ? transpose(w) : w;
  switch (op) {
    case "linear":
      return [x, forward];
    case "linearGradInput":
      return [dy, shape.transposeW ? w : transpose(w)];
    case "linearGradWeight":
      return shape.transposeW ? [transpose(dy), x] : [transpose(x), dy];
  }
}
