/** The largest values, or the least, and where they were. */
import { scope, ShapeError, type Tensor } from "@normless/tensor";
import { apply, type Result, tensorOf } from "../apply.js";
import { aroundDims, dimOf, reduced } from "../axes.js";
import { type Value, Variable } from "../tape.js";
import { add, mul } from "./binary.js";
import { arange, gather } from "./indexing.js";
import { type Sorted, sort } from "./reductions.js";
import { expand, reshape, slice, unsqueeze } from "./shape.js";

/** Fewer values are sorted in less time than it takes to call what finds the blocks. */
const MANY = 1 << 14;

/**
 * The `k` largest values along `dim`, the last unless given, in order, and where each was; the least unless `largest`.
 * @throws ShapeError where there are no `k`
 */
export function topk<X extends Value>(
  given: X,
  k: number,
  { dim = -1, largest = true }: { readonly dim?: number; readonly largest?: boolean } = {},
): Sorted<X> {
  const { shape } = given;
  const d = dimOf("topk", dim, shape);
  const N = shape[d] ?? 1;
  if (!(k >= 0 && k <= N)) throw new ShapeError("topk", `there are no ${k} of ${N} values`, { x: shape });
  const [O, , I] = aroundDims(shape, d);
  const block = blockOf(N, k);
  // NaN is the largest value, so that of a block with one the least is not known.
  if (block === 1 || I !== 1 || !largest || O * N < MANY) return ofSorted(given, k, d, largest);
  const places: Result<X> = apply("topk", [given], ([x]: readonly [Tensor]) => ({
    made: [
      scope(() => {
        const first = topPlaces(reshape(x, [O, N / block, block]), k);
        return reshape(
          first,
          shape.map((size, i) => (i === d ? k : size)),
        );
      }),
    ],
  }));
  return { values: gather(given, d, tensorOf(places)), indices: places };
}

function ofSorted<X extends Value>(x: X, k: number, d: number, largest: boolean): Sorted<X> {
  const { values, indices } = sort(x, { dim: d, descending: largest });
  const first = (all: Value): Value => {
    if (k === (x.shape[d] ?? 1)) return all;
    const part = slice(all, d, { end: k });
    if (!(all instanceof Variable)) all.free();
    return part;
  };
  return { values: first(values) as Result<X>, indices: first(indices) as Result<X> };
}

/** How long to make blocks, so that there are few of them and few values in `k` of them; 1 where that saves less than half. */
function blockOf(N: number, k: number): number {
  let block = Math.floor(Math.sqrt(N / Math.max(k, 1)));
  while (block > 1 && N % block !== 0) block--;
  return N / block + k * block <= N / 2 ? block : 1;
}

/**
 * The places in rows of the `k` largest of x (O,blocks,block) → (O,k) int32. They are in the `k` blocks whose largest values
 * are the largest, of equal ones the first: for a value in any other, each of those has one that comes before it.
 */
function topPlaces(x: Tensor, k: number): Tensor {
  const [O, , block] = x.shape;
  const first = (x: Tensor) => slice(sort(x, { descending: true }).indices, 1, { end: k });
  // Blocks, and so equal values in them, in the order that they had.
  const blocks = unsqueeze(sort(first(reduced(x, { op: "max" }, [2]))).values, 2);
  const candidates = gather(x, 1, expand(blocks, [O, k, block]));
  const places = add(mul(blocks, block), arange(x.backend, block));
  return gather(reshape(places, [O, k * block]), 1, first(reshape(candidates, [O, k * block])));
}
