/** DyT (Zhu et al. 2025, arXiv 2503.10622): an op of one's own, and a norm made of it. */
import { defineOp, mul, sub, square } from "@normless/autograd";
import { ownNorm } from "@normless/layernorm";
import { lastDim, rowsOf, ShapeError, type Shape, showShape } from "@normless/tensor";

/**
 * y = gamma · tanh(alpha · x) + beta for x (...,C), alpha a scalar, gamma and beta (C). The tanh is an output as well, since
 * the gradients want it. The loop is what defines the op; the two kernels below do the same on GPUs.
 */
export const dyt = defineOp<Readonly<Record<never, never>>>()({
  name: "dyt",
  inputs: ["x", "alpha", "gamma", "beta"],
  outputs: ["y", "tanh"],
  infer({ x, alpha, gamma, beta }) {
    const C = lastDim(x.shape);
    check("alpha", alpha.shape, []);
    check("gamma", gamma.shape, [C]);
    check("beta", beta.shape, [C]);
    return { y: x, tanh: x };
  },
  naive({ x, alpha, gamma, beta }, _attributes, { y, tanh }) {
    const C = lastDim(x.shape);
    for (let i = 0; i < x.data.length; i++) {
      tanh.data[i] = Math.tanh(alpha.data[0] * x.data[i]);
      y.data[i] = gamma.data[i % C] * tanh.data[i] + beta.data[i % C];
    }
  },

  /** For gpu.js, one kernel an output. x is read in rows of C, so that no index outgrows a float. */
  gpu({ x }) {
    const [C, rows] = [lastDim(x.shape), rowsOf(x.shape)];
    const row = { name: "x", width: C };
    const output = [C, rows] as const;
    const at = "[this.thread.y][this.thread.x]";
    const key = (of: string) => `dyt.${of} ${rows}x${C}`;
    return {
      passes: [
        {
          ...{ kind: "gpu.js", key: key("tanh"), output, writes: "tanh", floats: [] },
          reads: [row, { name: "alpha" }],
          // Some GPUs have no tanh of large values; from 20 on it is 1.
          source: `function (x, alpha) {
            let u = alpha[0] * x${at};
            if (u > 20) { u = 20; }
            if (u < -20) { u = -20; }
            return Math.tanh(u);
          }`,
        },
        {
          ...{ kind: "gpu.js", key: key("y"), output, writes: "y", floats: [] },
          reads: [{ name: "tanh", width: C }, { name: "gamma" }, { name: "beta" }],
          source: `function (t, gamma, beta) {
            return gamma[this.thread.x] * t${at} + beta[this.thread.x];
          }`,
        },
      ],
    };
  },

  /** By hand, for WebGPU: both outputs at once, a thread a value. */
  wgsl({ x }) {
    const C = lastDim(x.shape);
    const groups = Math.ceil(x.size / 256);
    const y = Math.ceil(groups / 65_535);
    const read = (name: string) => ({ name, access: "read" as const });
    const written = (name: string) => ({ name, access: "read_write" as const });
    return {
      passes: [
        {
          kind: "wgsl",
          key: `dyt ${C}`,
          binds: [read("x"), read("alpha"), read("gamma"), read("beta"), written("tanh"), written("y")],
          floats: [],
          workgroups: [Math.ceil(groups / y), y, 1],
          code: `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> alpha: array<f32>;
@group(0) @binding(2) var<storage, read> gamma: array<f32>;
@group(0) @binding(3) var<storage, read> beta: array<f32>;
@group(0) @binding(4) var<storage, read_write> t: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 256;
  if (i >= arrayLength(&y)) { return; }
  t[i] = tanh(clamp(alpha[0] * x[i], -20.0, 20.0));
  y[i] = gamma[i % ${C}] * t[i] + beta[i % ${C}];
}`,
        },
      ],
    };
  },

  /** In functions of tensors. Alpha, gamma and beta were repeated over x: what is of its shape is summed to theirs. */
  gradients: {
    x: ({ dy, inputs: { alpha, gamma }, outputs: { tanh } }) =>
      mul(mul(mul(dy, gamma), sub(1, square(tanh))), alpha),
    alpha: ({ dy, inputs: { x, gamma }, outputs: { tanh } }) =>
      mul(mul(mul(dy, gamma), sub(1, square(tanh))), x),
    gamma: ({ dy, outputs: { tanh } }) => mul(dy, tanh),
    beta: ({ dy }) => dy,
  },
});

function check(name: string, shape: Shape, expected: Shape): void {
  if (String(shape) === String(expected) && shape.length === expected.length) return;
  throw new ShapeError("dyt", `${name} is ${showShape(expected)}`, { [name]: shape });
}

/** In LayerNorm's place: gamma and beta are the norm's that it replaces, alpha is a parameter beside them. */
export const dytNorm = ownNorm("DyT", (x, { gamma, beta, parameter }) =>
  dyt({ x, alpha: parameter("alpha"), gamma, beta }, {}),
);
