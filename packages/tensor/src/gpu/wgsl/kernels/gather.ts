/**
 * Values by their places, and sums at them. Of the latter the places are sorted first, so that each result finds its own and
 * adds them up in their order: no two threads write to one place, and the bits are the same in every run.
 */
import type { Shape } from "../../../shape.js";
import type { Build, Operand, Program, Result } from "../../program.js";
import { assign } from "../into.js";
import { each } from "../pass.js";
import { sizes } from "../sizes.js";
import { sorted, widthOf } from "../sorted.js";
import type { Tuning } from "../tuning.js";

/** WGSL of the value that is taken from outside of x. */
const outside = ({ dtype }: Operand) =>
  dtype === "float32" ? "bitcast<f32>(u32(u.nan) + 0x7fc00000u)" : "0.0";

/** y[o,m,i] = x[o,place,i], the place being at `index` in its buffer. */
function taken(op: string, x: Operand, M: number, y: Result, index: string): Program {
  const [, N, I] = x.shape;
  const { uniforms, declare } = sizes({ N, I, M });
  return {
    adds: ["y"],
    passes: [
      each(
        {
          key: `${op}${y.add ? " add" : ""} ${x.dtype === "float32"}`,
          reads: { x: "x", index: "index" },
          writes: { y: "y" },
          uniforms: { ...uniforms, nan: 0 },
        },
        y.size,
        `${declare}
  let place = index[${index}];
  let is_inside = place >= 0.0 && place < f32(N);
  let n = select(0, u32(place), is_inside);
  let value = x[(i / (M * I) * N + n) * I + i % I];
  y[i] ${assign(y)} select(${outside(x)}, value, is_inside);`,
      ),
    ],
  };
}

export const indexSelect: Build<"indexSelect"> = ({ x, index }, _attributes, { y }) =>
  taken("indexSelect", x, index.size, y, "i / I % M");
export const gather: Build<"gather"> = ({ x, index }, _attributes, { y }) =>
  taken("gather", x, index.shape[1], y, "i");

/** The order of places is that of their numbers; those outside come after all that a result looks for. */
const PLACE = {
  key: "places",
  buffer: "index",
  order: "select(0xfffffffeu, u32(max(x[at], 0.0)), x[at] >= 0.0)",
  helpers: "",
};

/** Values added up before their sum joins others: a long sum of float32 is off otherwise. */
const BLOCK = 256;

/** The places, of (O,M,I), and WGSL of the row of them that a result looks in. */
interface Places {
  readonly shape: Shape;
  readonly row: string;
}

/** y[o,n,i] = the sum of x[o,m,i] for all m whose place is n. */
function added(op: string, x: Operand, { shape, row }: Places, y: Result, tuning: Tuning): Program {
  const [, M, I] = x.shape;
  const { temporaries, passes } = sorted(PLACE, shape, tuning);
  const { uniforms, declare } = sizes({ N: y.shape[1], I, M, width: widthOf(M) });
  return {
    ...{ adds: ["y"], temporaries },
    passes: [
      ...passes,
      each(
        {
          key: `${op}${y.add ? " add" : ""}`,
          reads: { x: "x", pairs: { buffer: "pairs", type: "vec2u" } },
          writes: { y: "y" },
          uniforms,
        },
        y.size,
        `${declare}
  let n = i / I % N;
  let slices = i / (N * I) * M;
  let begin = ${row} * width;
  var low = 0u;
  var high = M;
  while (low < high) {
    let middle = (low + high) / 2;
    if (pairs[begin + middle].x < n) { low = middle + 1; } else { high = middle; }
  }
  var sum = 0.0;
  while (low < M && pairs[begin + low].x == n) {
    var part = 0.0;
    for (let end = min(low + ${BLOCK}, M); low < end && pairs[begin + low].x == n; low++) {
      part += x[(slices + pairs[begin + low].y) * I + i % I];
    }
    sum += part;
  }
  y[i] ${assign(y)} sum;`,
      ),
    ],
  };
}

export const indexAdd =
  (tuning: Tuning): Build<"indexAdd"> =>
  ({ x, index }, _attributes, { y }) =>
    added("indexAdd", x, { shape: [1, index.size, 1], row: "0u" }, y, tuning);
export const scatterAdd =
  (tuning: Tuning): Build<"scatterAdd"> =>
  ({ x }, _attributes, { y }) =>
    added("scatterAdd", x, { shape: x.shape, row: "(i / (N * I) * I + i % I)" }, y, tuning);
