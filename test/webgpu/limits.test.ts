import { DeviceLostError } from "@normless/tensor";
import { afterEach, describe, expect, it } from "vitest";
import type { Program } from "../../packages/tensor/src/gpu/program.js";
import { kernels as gpujsKernels } from "../../packages/tensor/src/gpu/kernels/index.js";
import { type OpenedDevice, openDevice } from "../../packages/tensor/src/gpu/webgpu/device.js";
import { WebGpuExecutor } from "../../packages/tensor/src/gpu/webgpu/executor.js";
import { loadTranslator } from "../../packages/tensor/src/gpu/webgpu/gpujs.js";
import { cpuTuning } from "../../packages/tensor/src/gpu/wgsl/tuning.js";
import { wgslKernels } from "../../packages/tensor/src/gpu/wgsl/kernels/index.js";
import { BUILTINS, each, fold, GROUP, kernel } from "../../packages/tensor/src/gpu/wgsl/pass.js";
import { useSwiftShader } from "./vulkan.js";

useSwiftShader();
const kernels = wgslKernels(cpuTuning);
const operand = (size: number, shape = [size]) => ({ shape, size, dtype: "float32" as const });
const result = (size: number, add = false, shape = [size]) => ({ shape, size, add });

const open: WebGpuExecutor[] = [];
async function executor(): Promise<WebGpuExecutor & { readonly opened: OpenedDevice }> {
  const opened = await openDevice();
  const made = Object.assign(new WebGpuExecutor(opened, "under test", await loadTranslator()), { opened });
  open.push(made);
  return made;
}
afterEach(async () => {
  for (const made of open.splice(0)) await made.dispose();
});

describe("errors of the device reach whoever waits", () => {
  it("names the kernel whose WGSL is wrong", async () => {
    const device = await executor();
    const broken: Program = { passes: [each({ key: "broken", writes: { y: "y" } }, 4, "y[i] = nothing;")] };
    device.run(broken, {}, { y: { size: 4 } });
    await expect(device.sync()).rejects.toThrow(/compiling broken: validation error: .*nothing/s);
    // What came after is not to be trusted either.
    expect(() => device.upload(new Float32Array(4))).toThrow("compiling broken");
  });

  it("names the kernel that would write what it binds twice", async () => {
    const device = await executor();
    const x = device.upload(new Float32Array(4));
    const twice = each({ key: "twice", reads: { x: "x" }, writes: { y: "y" } }, 4, "y[i] = x[i];");
    expect(() => device.run({ passes: [twice] }, { x, y: x }, {})).toThrow(
      "twice writes y or x, which are one tensor",
    );
  });

  it("names the kernels of a submission that fails", async () => {
    const device = await executor();
    const x = device.upload(new Float32Array(4));
    const scale = kernels.scale({ x: operand(4) }, { factor: 2 }, { y: result(4) });
    device.run(scale, { x }, { y: { size: 4 } });
    x.buffer.gpu.destroy();
    await expect(device.sync()).rejects.toThrow(/running scale: validation error: .*destroyed/s);
  });

  it("says that the device was lost", async () => {
    const device = await executor();
    const x = device.upload(Float32Array.of(1, 2));
    device.opened.device.destroy();
    await expect(device.read(x, 2)).rejects.toThrow(/the device was lost \(destroyed: .+\)/);
    await expect(device.read(x, 2)).rejects.toThrow(DeviceLostError);
    await expect(device.sync()).rejects.toThrow("Make a new backend");
  });

  it("refuses a buffer that no binding can hold, with the figures", async () => {
    const device = await executor();
    const limit = device.opened.device.limits.maxStorageBufferBindingSize;
    const size = limit / 4 + 1;
    const program = kernels.full({}, { shape: [size], value: 0.5, dtype: "float32" }, { y: result(size) });
    const x = device.upload(Float32Array.of(1));
    expect(() => device.run(program, { x }, { y: { size } })).toThrow(
      `y needs ${limit + 4} bytes in one buffer; this adapter allows ${limit}`,
    );
    expect(await device.read(x, 1)).toEqual(Float32Array.of(1));
  });

  it("refuses more workgroups in one dimension than the adapter allows", async () => {
    const device = await executor();
    const pass = {
      ...each({ key: "many", writes: { y: "y" } }, 1, "y[i] = 1;"),
      workgroups: [65_536, 1, 1] as const,
    };
    expect(() => device.run({ passes: [pass] }, {}, { y: { size: 1 } })).toThrow(
      "many needs 65536×1×1 workgroups; this adapter allows 65535 a dimension",
    );
  });

  it("refuses every use after it was disposed of", async () => {
    const device = await executor();
    const x = device.upload(Float32Array.of(1));
    await device.dispose();
    await expect(device.read(x, 1)).rejects.toThrow("this webgpu backend was disposed");
    expect(() => device.upload(Float32Array.of(1))).toThrow("this webgpu backend was disposed");
  });
});

describe("sizes beyond 65,535 workgroups", () => {
  const size = 65_535 * 256 + 3;

  it("fills and adds up every value", async () => {
    const device = await executor();
    const y = device.run(
      kernels.full({}, { shape: [size], value: 0.5, dtype: "float32" }, { y: result(size) }),
      {},
      { y: { size } },
    ).outputs.y;
    const total = device.run(
      kernels.sum({ x: operand(size) }, {}, { y: result(1, false, []) }),
      { x: y },
      { y: { size: 1 } },
    ).outputs.y;
    expect((await device.read(total, 1))[0]).toBe(size / 2);
  });

  it("gives every workgroup its number", async () => {
    const device = await executor();
    const groups = 65_537;
    const pass = kernel({
      key: "numbers",
      writes: { y: "y" },
      code: () => `@compute @workgroup_size(1)
        fn main(${BUILTINS}) { if (${GROUP} < arrayLength(&y)) { y[${GROUP}] = f32(${GROUP} + t); } }`,
      workgroups: fold(groups),
    });
    const { y } = device.run({ passes: [pass] }, {}, { y: { size: groups } }).outputs;
    expect(await device.read(y, groups)).toEqual(Float32Array.from({ length: groups }, (_, i) => i));
  });

  it("folds what gpu.js would run in one dimension", async () => {
    const device = await executor();
    const many = 65_535 * 64 + 5;
    const x = device.upload(new Float32Array(many).fill(2));
    const program = gpujsKernels.scale({ x: operand(many) }, { factor: 1.5 }, { y: result(many) });
    const { y } = device.run(program, { x }, { y: { size: many } }).outputs;
    expect((await device.read(y, many)).every((value) => value === 3)).toBe(true);
  });
});

describe("buffers", () => {
  /** A step with an op of several passes, temporaries and an output added into another. */
  function step(device: WebGpuExecutor): void {
    const [rows, C] = [40, 12];
    const x = device.upload(new Float32Array(rows * C).fill(1));
    const target = device.upload(new Float32Array(C));
    const dbias = kernels.linearGradBias(
      { dy: operand(rows * C, [rows, C]) },
      {},
      { dbias: result(C, true) },
    );
    device.run(dbias, { dy: x }, { dbias: { size: C, into: target } });
    const gelu = kernels.gelu({ x: operand(rows * C) }, { approximate: "tanh" }, { y: result(rows * C) });
    const { y } = device.run(gelu, { x }, { y: { size: rows * C } }).outputs;
    for (const region of [x, target, y]) device.release(region);
  }

  it("are the same after step 2 as after step 30", async () => {
    const device = await executor();
    const bytes: number[] = [];
    for (let i = 0; i < 30; i++) {
      step(device);
      await device.sync();
      bytes.push(device.allocatedBytes);
    }
    expect(new Set(bytes.slice(1)).size).toBe(1);
  });

  it("are read several at once, in their order, and one twice", async () => {
    const device = await executor();
    const [a, b, none] = [[1, 2, 3], [4], []].map((values) => device.upload(Float32Array.from(values)));
    const buffers = [a, b, none, a].map((handle, i) => ({ handle, size: [3, 1, 0, 2][i] }));
    expect(await device.readMany(buffers)).toEqual(
      [[1, 2, 3], [4], [], [1, 2]].map((v) => Float32Array.from(v)),
    );
    expect(await device.readMany([])).toEqual([]);
    await expect(device.readMany([{ handle: b, size: 2 }])).rejects.toThrow("read of 2 values from 4 bytes");
  });

  it("are destroyed when no step takes them any more", async () => {
    const device = await executor();
    device.release(device.upload(new Float32Array(1 << 20)));
    expect(device.allocatedBytes).toBe(1 << 22);
    for (let i = 0; i < 10; i++) await device.sync();
    expect(device.allocatedBytes).toBe(0);
  });

  it("are read as they were when an output is added to an operand", async () => {
    const device = await executor();
    const a = device.upload(Float32Array.of(1, 2));
    const b = device.upload(Float32Array.of(10, 20));
    const program = kernels.binary({ a: operand(2), b: operand(2) }, { op: "add" }, { y: result(2, true) });
    device.run(program, { a, b }, { y: { size: 2, into: a } });
    expect(await device.read(a, 2)).toEqual(Float32Array.of(12, 24));
  });

  it("keep what is recorded when they are written again before it ran", async () => {
    const device = await executor();
    const first = device.upload(Float32Array.of(1, 2));
    const scale = kernels.scale({ x: operand(2) }, { factor: 3 }, { y: result(2) });
    const { y } = device.run(scale, { x: first }, { y: { size: 2 } }).outputs;
    device.release(first);
    const second = device.upload(Float32Array.of(7, 8));
    expect(second.buffer).toBe(first.buffer);
    expect(await device.read(y, 2)).toEqual(Float32Array.of(3, 6));
  });
});
