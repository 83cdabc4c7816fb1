/** What goes element by element, and full reductions in two stages. */
import type { GeluAttributes } from "../../kernels/gelu.js";
import type { Build, Program, Result, WgslPass } from "../program.js";
import { each, kernel, totalOver } from "./pass.js";

/** `=` or `+=`. */
export const assign = ({ add }: Pick<Result, "add">) => (add ? "+=" : "=");

function onto(
  key: string,
  reads: Readonly<Record<string, string>>,
  value: string,
  uniforms = {},
  helpers = "",
) {
  return (name: string, result: Result): Program => ({
    adds: [name],
    passes: [
      each(
        { key: `${key}${result.add ? " add" : ""}`, reads, writes: { out: name }, uniforms },
        result.size,
        `out[i] ${assign(result)} ${value};`,
        { helpers },
      ),
    ],
  });
}

export const add: Build<"add"> = (_in, _attributes, { y }) =>
  onto("add", { a: "a", b: "b" }, "a[i] + b[i]")("y", y);
export const mul: Build<"mul"> = (_in, _attributes, { y }) =>
  onto("mul", { a: "a", b: "b" }, "a[i] * b[i]")("y", y);
export const scale: Build<"scale"> = ({ by }, { factor }, { y }) =>
  by
    ? onto("scale by", { x: "x", by: "by" }, "x[i] * by[0] * u.factor", { factor })("y", y)
    : onto("scale", { x: "x" }, "x[i] * u.factor", { factor })("y", y);
export const expand: Build<"expand"> = (_in, _attributes, { y }) =>
  onto("expand", { x: "x" }, "x[0]")("y", y);
export const fill: Build<"fill"> = ({ x }, { value }) => ({
  passes: [each({ key: "fill", writes: { x: "x" }, uniforms: { value } }, x.size, "x[i] = u.value;")],
});

// 20 is far above where tanh is 1 in float32; beyond 44 its usual formula overflows.
const GELU = `
const ROOT = ${Math.sqrt(2 / Math.PI)};
fn inner(v: f32) -> f32 { return tanh(clamp(ROOT * (v + 0.044715 * v * v * v), -20.0, 20.0)); }
// Abramowitz & Stegun 7.1.26, to 1.5e-7.
fn erf(x: f32) -> f32 {
  let a = min(abs(x), 9.0);
  let w = 1.0 / (1.0 + 0.3275911 * a);
  let p = w * (0.254829592 + w * (-0.284496736 + w * (1.421413741 + w * (-1.453152027 + w * 1.061405429))));
  return sign(x) * (1.0 - p * exp(-a * a));
}
fn value_tanh(v: f32) -> f32 { return 0.5 * v * (1.0 + inner(v)); }
fn value_none(v: f32) -> f32 { return 0.5 * v * (1.0 + erf(v * ${Math.SQRT1_2})); }
fn slope_tanh(v: f32) -> f32 {
  let w = inner(v);
  // Where tanh is flat, v² may overflow and its factor is 0.
  let s = clamp(v, -100.0, 100.0);
  return 0.5 * (1.0 + w) + 0.5 * s * (1.0 - w * w) * ROOT * (1.0 + 0.134145 * s * s);
}
fn slope_none(v: f32) -> f32 {
  let s = clamp(v, -100.0, 100.0);
  return 0.5 * (1.0 + erf(s * ${Math.SQRT1_2})) + s * exp(-0.5 * s * s) * ${1 / Math.sqrt(2 * Math.PI)};
}`;

/** y = gelu of the buffer `x`. */
export function geluPass(size: number, approximate: GeluAttributes["approximate"], x: string): WgslPass {
  const source = { key: `gelu ${approximate}`, reads: { x }, writes: { out: "y" } };
  return each(source, size, `out[i] = value_${approximate}(x[i]);`, { helpers: GELU });
}

export const gelu: Build<"gelu"> = (_in, { approximate }, { y }) =>
  onto(`gelu ${approximate}`, { x: "x" }, `value_${approximate}(x[i])`, {}, GELU)("y", y);
export const geluGrad: Build<"geluGrad"> = (_in, { approximate }, { dx }) =>
  onto(
    `geluGrad ${approximate}`,
    { dy: "dy", x: "x" },
    `dy[i] * slope_${approximate}(x[i])`,
    {},
    GELU,
  )("dx", dx);

const MOST_PARTIALS = 1 << 14;

/** The sum of f(x): threads stride over all of it, then one workgroup adds up what they have. */
function reduction(key: string, value: string, size: number, name: string, result: Result): Program {
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
    code: () => `${totalOver(256)}
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

export const sum: Build<"sum"> = ({ x }, _attributes, { y }) => reduction("sum", "x[j]", x.size, "y", y);
export const sumSquares: Build<"sumSquares"> = ({ x }, _attributes, { total }) =>
  reduction("sumSquares", "x[j] * x[j]", x.size, "total", total);
