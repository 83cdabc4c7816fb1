/**
 * Values by their places along one dimension, N, of x (O,N,I), and the gradients, which add to those places. A place
 * outside 0 to N − 1 is a BackendError; on a GPU, where a kernel made the places, nobody sees them before it runs, and what is
 * taken from outside is NaN (0 in int32 and bool), what is added outside is left out.
 */
import type { TensorSpec } from "../dtype.js";
import { BackendError, ShapeError } from "../errors.js";
import { ANY, contract, INT32, type None, NUMBERS } from "./contract.js";
import { axisDims } from "./reduce.js";

/** N, which the places are in. */
export interface ScatterAttributes {
  readonly N: number;
}

/** @throws BackendError naming the first place that is outside */
export function checkPlaces(op: string, index: ArrayLike<number>, N: number): void {
  for (let i = 0; i < index.length; i++) {
    if (index[i] >= 0 && index[i] < N) continue;
    throw new BackendError(`${op}: index[${i}] is ${index[i]}; it must be from 0 to ${N - 1}`);
  }
}

function checkIndexRank(op: string, index: TensorSpec): number {
  if (index.shape.length === 1) return index.shape[0];
  throw new ShapeError(op, "the index has one dimension", { index: index.shape }, "See gather.");
}

/** x (O,N,I), index int32 (M) → y (O,M,I): whole slices. */
export const indexSelect = contract<None>()({
  inputs: ["x", "index"],
  dtypes: { x: ANY, index: INT32 },
  outputs: ["y"],
  infer({ x, index }) {
    const [O, , I] = axisDims("indexSelect", x);
    return { y: { shape: [O, checkIndexRank("indexSelect", index), I], dtype: x.dtype } };
  },
  naive({ x, index }, _attributes, { y }) {
    const [O, N, I] = x.shape;
    const M = index.data.length;
    checkPlaces("indexSelect", index.data, N);
    for (let o = 0; o < O; o++) {
      for (let m = 0; m < M; m++) {
        for (let i = 0; i < I; i++) y.data[(o * M + m) * I + i] = x.data[(o * N + index.data[m]) * I + i];
      }
    }
  },
});

/** x (O,M,I), index int32 (M) → y (O,N,I): zeros, to which each slice of x is added at its place, in their order. */
export const indexAdd = contract<ScatterAttributes>()({
  inputs: ["x", "index"],
  dtypes: { x: NUMBERS, index: INT32 },
  outputs: ["y"],
  infer({ x, index }, { N }) {
    const [O, M, I] = axisDims("indexAdd", x);
    if (checkIndexRank("indexAdd", index) !== M) {
      throw new ShapeError("indexAdd", "there is one index a slice", { x: x.shape, index: index.shape });
    }
    return { y: { shape: [O, N, I], dtype: x.dtype } };
  },
  naive({ x, index }, { N }, { y }) {
    const [O, M, I] = x.shape;
    checkPlaces("indexAdd", index.data, N);
    for (let o = 0; o < O; o++) {
      for (let m = 0; m < M; m++) {
        for (let i = 0; i < I; i++) y.data[(o * N + index.data[m]) * I + i] += x.data[(o * M + m) * I + i];
      }
    }
  },
});

/** x (O,N,I), index int32 (O,M,I) → y (O,M,I): y[o,m,i] = x[o, index[o,m,i], i]. */
export const gather = contract<None>()({
  inputs: ["x", "index"],
  dtypes: { x: ANY, index: INT32 },
  outputs: ["y"],
  infer({ x, index }) {
    const [O, , I] = axisDims("gather", x);
    const [indexO, M, indexI] = axisDims("gather", index);
    if (indexO !== O || indexI !== I) {
      throw new ShapeError("gather", "x and index differ beside N", { x: x.shape, index: index.shape });
    }
    return { y: { shape: [O, M, I], dtype: x.dtype } };
  },
  naive({ x, index }, _attributes, { y }) {
    const [, N, I] = x.shape;
    const M = index.shape[1];
    checkPlaces("gather", index.data, N);
    for (let at = 0; at < y.data.length; at++) {
      const o = Math.floor(at / (M * I));
      y.data[at] = x.data[(o * N + index.data[at]) * I + (at % I)];
    }
  },
});

/** x, index int32 (O,M,I) → y (O,N,I): zeros, to which x[o,m,i] is added at y[o, index[o,m,i], i], in their order along M. */
export const scatterAdd = contract<ScatterAttributes>()({
  inputs: ["x", "index"],
  dtypes: { x: NUMBERS, index: INT32 },
  outputs: ["y"],
  infer({ x, index }, { N }) {
    const [O, , I] = axisDims("scatterAdd", x);
    if (String(index.shape) !== String(x.shape)) {
      throw new ShapeError("scatterAdd", "there is one index a value", { x: x.shape, index: index.shape });
    }
    return { y: { shape: [O, N, I], dtype: x.dtype } };
  },
  naive({ x, index }, { N }, { y }) {
    const [, M, I] = x.shape;
    checkPlaces("scatterAdd", index.data, N);
    for (let at = 0; at < x.data.length; at++) {
      const o = Math.floor(at / (M * I));
      y.data[(o * N + index.data[at]) * I + (at % I)] += x.data[at];
    }
  },
});
