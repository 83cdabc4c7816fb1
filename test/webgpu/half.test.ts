/** Products that read weights as float16: against the contract, against the float32 kernels, and when a weight changes. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { gpu, type GpuBackend } from "../../packages/tensor/src/gpu/index.js";
import type { KernelName, Tensor, TensorData } from "../../packages/tensor/src/index.js";
import { cases, conformance, random, type Value } from "../../packages/tensor/src/testing/index.js";
import { useSwiftShader } from "./vulkan.js";

useSwiftShader();
let half: GpuBackend;
let full: GpuBackend;
beforeAll(async () => {
  half = await gpu({ mode: "webgpu", webgpu: { tune: false, f16: true } });
  full = await gpu({ mode: "webgpu", webgpu: { tune: false } });
});
afterAll(async () => {
  await half.dispose();
  await full.dispose();
});

const KERNELS = [
  "linear",
  "linearGelu",
  "linearGradInput",
  "linearCrossEntropy",
  "linearCrossEntropyGrad",
  "linearKlDivergence",
  "linearKlDivergenceGrad",
] as const satisfies readonly KernelName[];
interface AnyCase {
  readonly name: string;
  readonly inputs: Readonly<Record<string, Value | undefined>>;
  readonly attributes: object;
}
type AnyRun = (kernel: string, inputs: object, attributes: object) => Record<string, Tensor>;
const casesOf = (kernel: KernelName) => cases[kernel] as readonly AnyCase[];

/** The nearest values that float16 has: 11 bits, in steps of 2^-24 at least. */
function rounded({ shape, data }: Value): Value {
  const round = (value: number) => {
    if (value === 0) return 0;
    const unit = 2 ** Math.max(-24, Math.floor(Math.log2(Math.abs(value))) - 10);
    return Math.round(value / unit) * unit;
  };
  return { shape, data: Float32Array.from(data, round) };
}

async function valuesOf(backend: GpuBackend, kernel: string, inputs: AnyCase["inputs"], attributes: object) {
  const operands: Record<string, Tensor> = {};
  for (const [name, value] of Object.entries(inputs)) {
    if (value) operands[name] = backend.upload(value.data, value.shape);
  }
  const run = backend.run.bind(backend) as AnyRun;
  const outputs = run(kernel, operands, attributes);
  const values: Record<string, TensorData> = {};
  for (const [name, tensor] of Object.entries(outputs)) values[name] = await tensor.read();
  for (const tensor of [...Object.values(operands), ...Object.values(outputs)]) tensor.free();
  return values;
}

it("says so", () => {
  expect(half.description).toMatch(/kernels in WGSL, weights in float16$/);
});

it("is refused for the kernels of gpu.js", async () => {
  await expect(gpu({ mode: "webgpu", webgpu: { f16: true, overrides: false } })).rejects.toThrow(
    "webgpu: f16 is for the kernels in WGSL, which overrides: false leaves out",
  );
});

describe.each(KERNELS)("%s", (kernel) => {
  // Weights of 1e15 are no float16.
  const fit = casesOf(kernel).filter(({ inputs: { w } }) =>
    w?.data.every((value) => Math.abs(value) < 65504),
  );
  const names = new Set(fit.map(({ name }) => `${kernel}: ${name}`));

  it("conforms, but for the rounding of weights to 11 bits", async () => {
    // Where a teacher is torn between two ids, that moves probability to one whose loss is a hundred nats higher.
    const tolerance = kernel.startsWith("linearKlDivergence") ? 1e-2 : 2e-3;
    const checks = conformance({ tolerance }).filter(({ name }) => names.has(name));
    expect(checks.length).toBe(fit.length);
    for (const check of checks) await check.run(half);
  });

  it("gives the bits of float32 where the weights are float16 already", async () => {
    for (const { inputs, attributes } of fit) {
      const { w, teacherW } = inputs;
      const given = {
        ...inputs,
        ...(w && { w: rounded(w) }),
        ...(teacherW && { teacherW: rounded(teacherW) }),
      };
      const expected = await valuesOf(full, kernel, given, attributes);
      expect(await valuesOf(half, kernel, given, attributes)).toEqual(expected);
    }
  });
});

describe("a packed weight", () => {
  const x = Float32Array.of(1);
  const product = async (w: Tensor) => {
    const row = half.upload(x, [1, 1]);
    const { y } = half.run("linear", { x: row, w }, {});
    const values = await y.read();
    for (const tensor of [row, y]) tensor.free();
    return values;
  };

  it("is made again when the weight is written, added to, or changed in place", async () => {
    const w = half.upload(Float32Array.of(1, 2, 3), [1, 3]);
    expect(await product(w)).toEqual(Float32Array.of(1, 2, 3));
    half.run("fill", { x: w }, { value: 5 });
    expect(await product(w)).toEqual(Float32Array.of(5, 5, 5));
    half.write(w, Float32Array.of(7, 8, 9));
    expect(await product(w)).toEqual(Float32Array.of(7, 8, 9));
    const more = half.upload(Float32Array.of(7, 8, 9), [1, 3]);
    half.run("scale", { x: more }, { factor: 2 }, { y: w });
    expect(await product(w)).toEqual(Float32Array.of(21, 24, 27));
    for (const tensor of [w, more]) tensor.free();
  });

  it("does not outlive the weight: another tensor in its memory has its own", async () => {
    for (let value = 1; value <= 3; value++) {
      const w = half.upload(new Float32Array(3).fill(value), [1, 3]);
      expect(await product(w)).toEqual(new Float32Array(3).fill(value));
      w.free();
    }
  });

  it("is at most the largest float16, and rounds to 11 bits", async () => {
    const w = half.upload(Float32Array.of(1e9, -1e9, 1 + 2 ** -12), [1, 3]);
    const [high, low, one] = await product(w);
    expect([high, low]).toEqual([65504, -65504]);
    expect(Math.abs(one - 1)).toBeLessThanOrEqual(2 ** -10);
    w.free();
  });
});

it("gives the same bits in every run", async () => {
  const inputs = { x: random([9, 300], 1), w: random([300, 17], 2) };
  const first = await valuesOf(half, "linear", inputs, {});
  expect(await valuesOf(half, "linear", inputs, {})).toEqual(first);
});
