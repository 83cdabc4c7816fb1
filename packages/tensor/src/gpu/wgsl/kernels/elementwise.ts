/** A scaling, filling in place, and full sums in two stages. */
import type { Build, Operand, Program, Result } from "../../program.js";
import { assign, onto } from "../into.js";
import { each, kernel, totalOver } from "../pass.js";
import type { Tuning } from "../tuning.js";

export const scale: Build<"scale"> = ({ by }, { factor }, { y }) =>
  by
    ? onto("scale by", { x: "x", by: "by" }, "x[i] * by[0] * u.factor", { factor })("y", y)
    : onto("scale", { x: "x" }, "x[i] * u.factor", { factor })("y", y);
export const fill: Build<"fill"> = ({ x }, { value }) => ({
  passes: [each({ key: "fill", writes: { x: "x" }, uniforms: { value } }, x.size, "x[i] = u.value;")],
});

const MOST_PARTIALS = 1 << 14;

/** The sum of f(x): threads stride over all of it, then one workgroup adds up what they have. */
function reduction(
  { lanes }: Tuning,
  key: string,
  value: string,
  { size }: Operand,
  [name, result]: readonly [string, Result],
): Program {
  const partials = Math.max(1, Math.min(MOST_PARTIALS, Math.ceil(size / 64)));
  const first = each(
    { key, reads: { x: "x" }, writes: { partials: "partials" } },
    partials,
    `var sum = 0.0;
  for (var j = i; j < arrayLength(&x); j += arrayLength(&partials)) { sum += ${value}; }
  partials[i] = sum;`,
  );
  const second = kernel({
    key: `sum of partials${result.add ? " add" : ""}`,
    reads: { x: "partials" },
    writes: { y: name },
    lanes,
    code: () => `${totalOver(256, lanes)}
@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) t: u32) {
  var sum = 0.0;
  for (var i = t; i < arrayLength(&x); i += 256) { sum += x[i]; }
  let all = total(sum, t);
  if (t == 0) { y[0] ${assign(result)} all; }
}`,
    workgroups: [1, 1, 1],
  });
  return { adds: [name], temporaries: { partials }, passes: [first, second] };
}

export const sum =
  (tuning: Tuning): Build<"sum"> =>
  ({ x }, _attributes, { y }) =>
    reduction(tuning, "sum", "x[j]", x, ["y", y]);
export const sumSquares =
  (tuning: Tuning): Build<"sumSquares"> =>
  ({ x }, _attributes, { total }) =>
    reduction(tuning, "sumSquares", "x[j] * x[j]", x, ["total", total]);
