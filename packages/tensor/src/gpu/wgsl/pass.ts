/** From a body in WGSL to a pass: the bindings are declared here, so that a kernel's file has only its maths. */
import type { WgslPass } from "../program.js";

/** A buffer of the program, read as floats unless said otherwise. */
export type Bound = string | { readonly buffer: string; readonly type: "f32" | "vec4f" | "u32" | "vec2u" };

/** A kernel: what it binds, its code, and how many workgroups it has. */
export interface KernelSource {
  /** Names the pipeline: equal keys have equal sources. */
  readonly key: string;
  /** WGSL variable → buffer. */
  readonly reads?: Readonly<Record<string, Bound>>;
  readonly writes: Readonly<Record<string, Bound>>;
  /** Read in WGSL as `u.name`; whole numbers are exact below 2^24. */
  readonly uniforms?: Readonly<Record<string, number>>;
  /** The code uses subgroups of so many threads at least; part of the key. */
  readonly lanes?: number;
  /** Called once for each key: most calls of an op find their pipeline made. */
  readonly code: () => string;
  readonly workgroups: readonly [number, number, number];
}

/** The pass of a kernel: what it binds is declared before its code. */
export function kernel(source: KernelSource): WgslPass {
  const { key, reads = {}, writes, uniforms = {}, lanes, workgroups } = source;
  const bind = (access: "read" | "read_write") => (bound: Bound) => ({
    name: typeof bound === "string" ? bound : bound.buffer,
    access,
  });
  return {
    kind: "wgsl",
    key: lanes ? `${key}, ${lanes} lanes` : key,
    get code() {
      return textOf(source);
    },
    binds: [...Object.values(reads).map(bind("read")), ...Object.values(writes).map(bind("read_write"))],
    floats: Object.values(uniforms),
    workgroups,
  };
}

function textOf({ reads = {}, writes, uniforms = {}, lanes, code }: KernelSource): string {
  const ins = Object.entries(reads).map((entry) => ["read", ...entry] as const);
  const outs = Object.entries(writes).map((entry) => ["read_write", ...entry] as const);
  const buffers = [...ins, ...outs].map(([access, variable, bound], i) => {
    const type = typeof bound === "string" ? "f32" : bound.type;
    return `@group(0) @binding(${i}) var<storage, ${access}> ${variable}: array<${type}>;`;
  });
  const members = Object.keys(uniforms).map((name) => `${name}: f32`);
  if (members.length > 0) {
    buffers.push(`struct Uniforms { ${members.join(", ")} }`);
    buffers.push(`@group(0) @binding(${ins.length + outs.length}) var<uniform> u: Uniforms;`);
  }
  return [...(lanes ? ["enable subgroups;"] : []), ...buffers, code()].join("\n");
}

/** The least that every WebGPU device allows in one dimension. */
const MOST_GROUPS = 65_535;

/** Workgroups for `count` of them, folded over y where one dimension does not hold them. */
export function fold(count: number): [number, number, number] {
  const y = Math.max(1, Math.ceil(count / MOST_GROUPS));
  return [Math.ceil(count / y), y, 1];
}

/** The flat number of a workgroup that `fold` handed out, in WGSL. */
export const GROUP = "(group.x + group.y * groups.x)";
/** Arguments of `main` that GROUP and the local index need. */
export const BUILTINS =
  "@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) t: u32";

/** What `each` may be told. */
export interface EachOptions {
  readonly helpers?: string;
  /** The variable whose values are counted; default the first that is written. */
  readonly over?: string;
}

/** A kernel of one thread for each of `size` values of a buffer; `statement` sees its index `i`. */
export function each(
  source: Omit<KernelSource, "code" | "workgroups">,
  size: number,
  statement: string,
  { helpers = "", over = Object.keys(source.writes)[0] }: EachOptions = {},
): WgslPass {
  return kernel({
    ...source,
    code: () => `${helpers}
@compute @workgroup_size(256)
fn main(${BUILTINS}) {
  let i = ${GROUP} * 256 + t;
  if (i >= arrayLength(&${over})) { return; }
  ${statement}
}`,
    workgroups: fold(Math.ceil(size / 256)),
  });
}

type Join = (a: string, b: string) => string;

/** Neighbours are joined, then neighbours of what that gives, and so on; a power of two of them. */
function tree(values: readonly string[], join: Join): string {
  if (values.length === 1) return values[0];
  const half = values.length / 2;
  return join(tree(values.slice(0, half), join), tree(values.slice(half), join));
}

/**
 * WGSL of `name(value, t)`: a value of every thread of a workgroup of `threads`, joined into one. The order is that of `tree`,
 * with subgroups and without, so that the bits are the same in every run and on either way: subgroupAdd would leave the order
 * to the adapter. All threads of the workgroup must call it.
 */
function foldOver(name: string, threads: number, lanes: number, join: Join): string {
  return lanes > 0 ? bySubgroups(name, threads, lanes, join) : bySharing(name, threads, join);
}

/** In two steps, each of the square root of all. */
function bySharing(name: string, threads: number, join: Join): string {
  const root = Math.sqrt(threads);
  const numbers = Array.from({ length: root }, (_, i) => i);
  const each = numbers.map((i) => `${name}_each[t * ${root} + ${i}]`);
  const groups = numbers.map((i) => `${name}_groups[${i}]`);
  return `
var<workgroup> ${name}_each: array<f32, ${threads}>;
var<workgroup> ${name}_groups: array<f32, ${root}>;
fn ${name}(value: f32, t: u32) -> f32 {
  ${name}_each[t] = value;
  workgroupBarrier();
  if (t < ${root}) { ${name}_groups[t] = ${tree(each, join)}; }
  workgroupBarrier();
  return ${tree(groups, join)};
}`;
}

/** Within subgroups from register to register; workgroup memory only between them. */
function bySubgroups(name: string, threads: number, lanes: number, join: Join): string {
  const width = Math.min(lanes, threads);
  const steps: string[] = [];
  for (let step = 1; step < width; step *= 2) {
    steps.push(`all = ${join("all", `subgroupShuffleXor(all, ${step}u)`)};`);
  }
  const count = threads / width;
  const groups = Array.from({ length: count }, (_, i) => `${name}_groups[${i}]`);
  const between = `
  // Others may still read what the last call left.
  workgroupBarrier();
  if (t % ${width} == 0) { ${name}_groups[t / ${width}] = all; }
  workgroupBarrier();
  all = ${tree(groups, join)};`;
  return `
${count > 1 ? `var<workgroup> ${name}_groups: array<f32, ${count}>;` : ""}
fn ${name}(value: f32, t: u32) -> f32 {
  var all = value;
  ${steps.join(" ")}${count > 1 ? between : ""}
  return all;
}`;
}

/** `total(value, t)`: the sum over a workgroup. */
export const totalOver = (threads: 4 | 64 | 256, lanes: number) =>
  foldOver("total", threads, lanes, (a, b) => `(${a} + ${b})`);
/** `most(value, t)`: the largest over a workgroup. */
export const mostOver = (threads: 4 | 64, lanes: number) =>
  foldOver("most", threads, lanes, (a, b) => `max(${a}, ${b})`);
