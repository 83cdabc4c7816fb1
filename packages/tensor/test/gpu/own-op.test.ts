/** An op of one's own on a GPU's backend: by its kernel, or on the host with everything in its order. */
import { op, tensor } from "@normless/tensor";
import { gpu, type GpuBackend } from "@normless/tensor/gpu";
import { opConformance, random } from "@normless/tensor/testing";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

type None = Readonly<Record<never, never>>;
const loop = {
  inputs: ["x"] as const,
  outputs: ["y"] as const,
  infer: ({ x }: { x: { shape: readonly number[] } }) => ({
    y: { shape: x.shape, dtype: "float32" as const },
  }),
};
const tripled = op<None>()({
  ...loop,
  name: "tripled",
  naive: ({ x }, _attributes, { y }) => x.data.forEach((value, i) => (y.data[i] = 3 * value)),
});
const withKernel = op<None>()({
  ...tripled,
  name: "tripledHere",
  gpu: ({ x }) => ({
    passes: [
      {
        ...{
          kind: "gpu.js",
          key: `tripled ${x.size}`,
          source: "function (x) { return 3 * x[this.thread.x]; }",
        },
        ...{ output: [x.size], reads: [{ name: "x" }], writes: "y", floats: [] },
      },
    ],
  }),
});
const cases = [[3], [5, 7]].map((shape) => ({
  name: shape.join("×"),
  inputs: { x: random(shape, 1) },
  attributes: {},
}));

describe("an op of one's own, gpu.js in mode webasm", () => {
  let backend: GpuBackend;
  const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  beforeAll(async () => {
    backend = await gpu({ mode: "webasm" });
  });
  afterAll(() => backend.dispose());

  for (const check of [...opConformance(tripled, cases), ...opConformance(withKernel, cases)]) {
    it(check.name, () => check.run(backend));
  }

  it("says once that the host computes it", () => {
    expect(warn.mock.calls.flat()).toEqual([
      "normless: gpu has no kernel for tripled; the host computes it.",
    ]);
  });

  it("keeps the order of all that is run, written, read and freed while values come", async () => {
    const before = backend.memory();
    const x = tensor(backend, [1, 2]);
    const first = x.read();
    const { y } = backend.runOp(tripled, { x }, {});
    const early = x.read();
    backend.write(x, Float32Array.of(10, 20));
    const { y: sum } = backend.run("binary", { a: x, b: y }, { op: "add" });
    const twice = backend.runOp(tripled, { x: sum }, {}).y;
    const read = Promise.all([y.read(), sum.read(), twice.read()]);
    for (const made of [x, y, sum, twice]) made.free();
    expect(await first).toEqual(Float32Array.of(1, 2));
    expect(await early).toEqual(Float32Array.of(1, 2));
    expect(await read).toEqual(
      [
        [3, 6],
        [13, 26],
        [39, 78],
      ].map((values) => Float32Array.from(values)),
    );
    expect(backend.memory().liveTensors).toBe(before.liveTensors);
    expect(backend.memory().liveBytes).toBe(before.liveBytes);
  });

  it("tells a failure of the loop to who reads", async () => {
    const broken = await gpu({ mode: "webasm" });
    const failing = op<None>()({
      ...tripled,
      name: "failing",
      naive: () => {
        throw new Error("no such luck");
      },
    });
    const { y } = broken.runOp(failing, { x: tensor(broken, [1]) }, {});
    await expect(y.read()).rejects.toThrow("gpu: work that waited for the host has failed");
    await broken.dispose();
  });
});
