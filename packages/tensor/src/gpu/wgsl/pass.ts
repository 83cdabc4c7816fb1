/** From a body in WGSL to a pass: the bindings are declared here, so that a kernel's file has only its maths. */
import type { WgslPass } from "../program.js";

/** A buffer of the program, read as floats unless said otherwise. */
export type Bound = string | { readonly buffer: string; readonly type: "f32" | "vec4f" };

export interface KernelSource {
  /** Names the pipeline: equal keys have equal sources. */
  readonly key: string;
  /** WGSL variable → buffer. */
  readonly reads?: Readonly<Record<string, Bound>>;
  readonly writes: Readonly<Record<string, Bound>>;
  /** Read in WGSL as `u.name`; whole numbers are exact below 2^24. */
  readonly uniforms?: Readonly<Record<string, number>>;
  readonly code: string;
  readonly workgroups: readonly [number, number, number];
}

export function kernel({ key, reads = {}, writes, uniforms = {}, code, workgroups }: KernelSource): WgslPass {
  const declare =
    (access: string) =>
    ([variable, bound]: [string, Bound], i: number, first: number) => {
      const type = typeof bound === "string" ? "f32" : bound.type;
      return `@group(0) @binding(${first + i}) var<storage, ${access}> ${variable}: array<${type}>;`;
    };
  const [ins, outs] = [Object.entries(reads), Object.entries(writes)];
  const count = ins.length + outs.length;
  const members = Object.keys(uniforms).map((name) => `${name}: f32`);
  const bind = (access: "read" | "read_write") => (bound: Bound) => ({
    name: typeof bound === "string" ? bound : bound.buffer,
    access,
  });
  return {
    kind: "wgsl",
    key,
    code: [
      ...ins.map((entry, i) => declare("read")(entry, i, 0)),
      ...outs.map((entry, i) => declare("read_write")(entry, i, ins.length)),
      members.length > 0
        ? `struct Uniforms { ${members.join(", ")} }\n@group(0) @binding(${count}) var<uniform> u: Uniforms;`
        : "",
      code,
    ].join("\n"),
    binds: [...Object.values(reads).map(bind("read")), ...Object.values(writes).map(bind("read_write"))],
    floats: Object.values(uniforms),
    workgroups,
  };
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
    code: `${helpers}
@compute @workgroup_size(256)
fn main(${BUILTINS}) {
  let i = ${GROUP} * 256 + t;
  if (i >= arrayLength(&${over})) { return; }
  ${statement}
}`,
    workgroups: fold(Math.ceil(size / 256)),
  });
}

/**
 * WGSL of `fn total(value, t) -> f32`: the sum of a value over a workgroup of `threads`, in a fixed tree, so that the bits are the same
 * in every run. All threads of the workgroup must call it.
 */
export function totalOver(threads: number): string {
  return `
var<workgroup> partial: array<f32, ${threads}>;
fn total(value: f32, t: u32) -> f32 {
  partial[t] = value;
  workgroupBarrier();
  for (var half = ${threads / 2}u; half > 0; half /= 2) {
    if (t < half) { partial[t] += partial[t + half]; }
    workgroupBarrier();
  }
  let sum = partial[0];
  workgroupBarrier();
  return sum;
}`;
}
