/** softmax along one dimension: the largest, the sum, then every value; its gradient: a sum, then every value. */
import type { Shape } from "../../../shape.js";
import type { Build, Program, Result } from "../../program.js";
import { type Reduction, reduction } from "../fold.js";
import { assign } from "../into.js";
import { each } from "../pass.js";
import { sizes } from "../sizes.js";
import { TESTS } from "../source/order.js";
import { LARGEST } from "./reduce.js";

// What a GPU makes of exp and log of NaN is its own affair.
const HELPERS = `${TESTS}
fn exponential(v: f32) -> f32 { return select(exp(v), v, is_nan(v)); }
fn logarithm(v: f32) -> f32 { return select(log(v), v, is_nan(v)); }`;

/** One value of each of (O,N,I) from what its row has. */
function perValue(
  key: string,
  reads: readonly string[],
  value: string,
  [name, result]: readonly [string, Result],
) {
  const [, N, I] = result.shape;
  const { uniforms, declare } = sizes({ N, I });
  return each(
    {
      key: `${key}${result.add ? " add" : ""}`,
      reads: Object.fromEntries(reads.map((read) => [read, read])),
      writes: { out: name },
      uniforms,
    },
    result.size,
    `${declare}
  let row = i / (N * I) * I + i % I;
  out[i] ${assign(result)} ${value};`,
    { helpers: HELPERS },
  );
}

function program(name: string, rows: readonly string[], [O, , I]: Shape, parts: readonly Program[]): Program {
  const temporaries = Object.fromEntries(rows.map((row) => [row, O * I]));
  return {
    adds: [name],
    temporaries: Object.assign(temporaries, ...parts.map((part) => part.temporaries)) as typeof temporaries,
    passes: parts.flatMap(({ passes }) => passes),
  };
}

export const softmax: Build<"softmax"> = ({ x }, { log }, { y }) => {
  const ofRow = { key: "softmax sum", reads: { x: "x", most: "most" }, helpers: HELPERS };
  const term = "exponential(x[at] - most[row])";
  const last = log ? "x[i] - most[row] - logarithm(sum[row])" : "exponential(x[i] - most[row]) / sum[row]";
  return program("y", ["most", "sum"], x.shape, [
    reduction({ ...LARGEST, output: "most" }, x.shape),
    reduction({ ...ofRow, value: term, join: "all + v", output: "sum" }, x.shape),
    { passes: [perValue(log ? "logSoftmax" : "softmax", ["x", "most", "sum"], last, ["y", y])] },
  ]);
};

export const softmaxGrad: Build<"softmaxGrad"> = ({ y }, { log }, { dx }) => {
  const key = log ? "logSoftmaxGrad" : "softmaxGrad";
  const reads: Reduction["reads"] = log ? { dy: "dy" } : { dy: "dy", y: "y" };
  const last = log ? "dy[i] - exponential(y[i]) * sum[row]" : "y[i] * (dy[i] - sum[row])";
  return program("dx", ["sum"], y.shape, [
    reduction(
      { key, reads, value: log ? "dy[at]" : "dy[at] * y[at]", join: "all + v", output: "sum" },
      y.shape,
    ),
    { passes: [perValue(key, ["dy", "y", "sum"], last, ["dx", dx])] },
  ]);
};
