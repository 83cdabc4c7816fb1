/** What the adapter can do at best: multiply-adds that stay in registers, and a copy. Figures of kernels are shares of these. */
import type { Executor, WgslPass } from "@normless/tensor/gpu";
import { fastest } from "./timing.js";

const ROUNDS = 512;
/** Independent vectors of four in a thread, enough to hide an instruction's latency. */
const CHAINS = 8;

const chains = (text: (i: number) => string) => Array.from({ length: CHAINS }, (_, i) => text(i)).join(" ");

function multiplyAdds(groups: number): WgslPass {
  return {
    kind: "wgsl",
    key: "peak of multiply-adds",
    code: `
@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let a = vec4f(0.999 + f32(id.x) * 1e-9);
  let b = vec4f(1e-3);
  ${chains((i) => `var s${i} = vec4f(${i});`)}
  for (var i = 0u; i < ${ROUNDS}; i++) { ${chains((i) => `s${i} = s${i} * a + b;`)} }
  let all = ${Array.from({ length: CHAINS }, (_, i) => `s${i}`).join(" + ")};
  y[id.x] = all.x + all.y + all.z + all.w;
}`,
    binds: [{ name: "y", access: "read_write" }],
    floats: [],
    workgroups: [groups, 1, 1],
  };
}

const COPY: WgslPass = {
  kind: "wgsl",
  key: "peak of a copy",
  code: `
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < arrayLength(&y); i += groups.x * 256) { y[i] = x[i]; }
}`,
  binds: [
    { name: "x", access: "read" },
    { name: "y", access: "read_write" },
  ],
  floats: [],
  workgroups: [4096, 1, 1],
};

export interface Peaks {
  readonly gflops: number;
  readonly gbs: number;
}

/** Measured on the executor's device; `slow` is for adapters that are a CPU. */
export async function measurePeaks<Handle>(executor: Executor<Handle>, slow: boolean): Promise<Peaks> {
  const groups = slow ? 64 : 8192;
  const size = slow ? 1 << 21 : 1 << 25;
  const x = executor.upload(new Float32Array(size));
  const run = (pass: WgslPass, values: number) => () => {
    const { outputs } = executor.run({ passes: [pass] }, { x }, { y: { size: values } });
    executor.release(outputs.y);
  };
  const done = () => executor.sync();
  const computing = await fastest(run(multiplyAdds(groups), groups * 64), done);
  const copying = await fastest(run(COPY, size), done);
  executor.release(x);
  return {
    gflops: (groups * 64 * ROUNDS * CHAINS * 4 * 2) / computing / 1e6,
    gbs: (2 * 4 * size) / copying / 1e6,
  };
}
