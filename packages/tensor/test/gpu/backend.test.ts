/** What the conformance suite does not ask of the GPU's backend and kernels: large indices, chunks, refusals, memory. */
import { type Backend, BackendError, reference, type Shape, ShapeError } from "@normless/tensor";
import { gpu } from "@normless/tensor/gpu";
import { conformance, constant, expectClose, integers, random, type Value } from "@normless/tensor/testing";
import { afterAll, describe, expect, it, vi } from "vitest";
import { gpuBackend } from "../../src/gpu/backend.js";
import { gpujsExecutor } from "../../src/gpu/gpujs/executor.js";
import { linearCrossEntropyGradBy } from "../../src/gpu/kernels/cross-entropy.js";
import { kernels } from "../../src/gpu/kernels/index.js";
import { linearKlDivergenceBy, linearKlDivergenceGradBy } from "../../src/gpu/kernels/kl-divergence.js";
import { FLAT, pass } from "../../src/gpu/source.js";

const backend = await gpu({ mode: "webasm" });
afterAll(() => backend.dispose());

describe("indices that float32 cannot hold", () => {
  it("reach the last row of GPT-2's token embedding", async () => {
    const [V, C] = [50257, 768];
    const values = new Float32Array(V * C);
    for (let i = 0; i < values.length; i++) values[i] = i % 8191;
    const table = backend.upload(values, [V, C]);
    const ids = backend.upload(Int32Array.of(V - 1, 3), [2]);
    const { rows } = backend.run("embedding", { table, ids }, {});
    const wanted = [...values.slice((V - 1) * C), ...values.slice(3 * C, 4 * C)];
    expect([...(await rows.read())]).toEqual(wanted);
    for (const tensor of [table, ids, rows]) tensor.free();
  });

  it("reach every value of a sum and of an elementwise kernel", async () => {
    const size = 2 ** 24 + 259;
    const values = new Float32Array(size);
    for (let i = 1; i <= 5; i++) values[size - 2 * i] = 10 ** i;
    const x = backend.upload(values, [size]);
    const { y } = backend.run("scale", { x }, { factor: 2 });
    const total = backend.run("sum", { x: y }, {}).y;
    expect(await total.item()).toBe(222220);
    expect((await y.read())[size - 2]).toBe(20);
    for (const tensor of [x, y, total]) tensor.free();
  });
});

describe("the head's gradients in chunks of rows", () => {
  for (const rows of [37, 50, 129]) {
    it(`of ${rows} conform`, async () => {
      const chunked = gpuBackend(await gpujsExecutor("webasm"), {
        ...kernels,
        linearCrossEntropyGrad: linearCrossEntropyGradBy(rows * 515),
        linearKlDivergence: linearKlDivergenceBy(rows * 515),
        linearKlDivergenceGrad: linearKlDivergenceGradBy(rows * 515),
      });
      for (const kernel of ["linearCrossEntropyGrad", "linearKlDivergence", "linearKlDivergenceGrad"]) {
        const checks = conformance({ empty: false }).filter((check) => check.kernel === kernel);
        for (const check of checks) await check.run(chunked);
        expect(checks.length).toBeGreaterThan(1);
      }
      await chunked.dispose();
    });
  }
});

describe("linearKlDivergenceGrad", () => {
  const [N, C, V] = [5, 7, 300];
  const run = async (on: Backend, values: Readonly<Record<"x" | "w" | "teacherW", Value>>, shift: number) => {
    const up = ({ data, shape }: Value) => on.upload(data, shape);
    const [x, w, teacherW] = [up(values.x), up(values.w), up(values.teacherW)];
    const [bias, teacherBias] = [up(constant([V], shift)), up(constant([V], -shift))];
    const inputs = { dloss: up(constant([N], 0.5)), x, w, teacherX: x, teacherW, bias, teacherBias };
    const outputs = on.run("linearKlDivergenceGrad", inputs, {});
    const read = await Promise.all(Object.values(outputs).map((tensor) => tensor.read()));
    for (const tensor of new Set([...Object.values(inputs), ...Object.values(outputs)])) tensor.free();
    return Object.keys(outputs).map((name, i) => ({ name, data: read[i] }));
  };

  it("loses no digits where logits are large", async () => {
    // In steps of 1/64, so that logits are the same in float32 and float64.
    const steps = (shape: Shape, seed: number) => {
      const { data } = integers(shape, seed, 17);
      return { shape, data: Float32Array.from(data, (value) => (value - 8) / 8) };
    };
    const values = { x: steps([N, C], 1), w: steps([V, C], 2), teacherW: steps([V, C], 3) };
    const expected = await run(reference(), values, 4096);
    for (const [i, { name, data }] of (await run(backend, values, 4096)).entries()) {
      expectClose(name, data, expected[i].data, 1e-5);
    }
  });

  it("is exactly 0, and so is its gradient, where both models have the same logits", async () => {
    const [x, w] = [random([N, C], 1, 10), random([V, C], 2, 10)];
    for (const { name, data } of await run(backend, { x, w, teacherW: w }, 0)) {
      expect([name, data.every((value) => value === 0)]).toEqual([name, true]);
    }
  });
});

describe("modes", () => {
  it("say what runs", () => {
    expect(backend).toMatchObject({ name: "gpu", mode: "webasm", description: "gpu, webasm by gpu.js" });
  });

  it("are refused with the reason when they cannot run here", async () => {
    await expect(gpu({ mode: "webgl2" })).rejects.toThrow(
      /^gpu: mode webgl2 cannot run here: no WebGL 2 context can be had; it needs a browser/,
    );
  });

  it("are never changed in silence: what gpu.js moves to the CPU is an error", async () => {
    const warn = vi.spyOn(console, "warn").mockReturnValue();
    const executor = await gpujsExecutor("webasm");
    const texture = {
      ...{ type: "NumberTexture", dimensions: [2, 1, 1], output: [2] },
      ...{ clone: () => texture, toArray: () => new Float32Array(2), delete: () => undefined },
    };
    const two = pass("two", { output: [2], reads: { x: FLAT }, writes: "y", body: "return 2;" });
    const run = () => executor.run({ passes: [two] }, { x: { size: 2, value: texture } }, { y: { size: 2 } });
    expect(run).toThrow(
      "gpu: kernel two.y [2] was to run in mode webasm and ran in cpu: " +
        'argument "x" of type NumberTexture is not supported on the webasm backend',
    );
    await executor.dispose();
    warn.mockRestore();
  });
});

describe("memory", () => {
  it("is flat when the same work is repeated", async () => {
    const short = await gpu({ mode: "webasm" });
    const step = () => {
      const x = short.upload(new Float32Array(300), [10, 30]);
      const w = short.upload(new Float32Array(600), [30, 20]);
      const { y } = short.run("linear", { x, w }, {});
      for (const tensor of [x, w, y]) tensor.free();
    };
    step();
    const after = short.memory();
    for (let i = 0; i < 20; i++) step();
    expect(short.memory()).toEqual(after);
    expect(after).toEqual({ liveBytes: 0, liveTensors: 0, peakBytes: 4 * (300 + 600 + 200) });
    await short.dispose();
  });

  it("keeps whole numbers whole, and the identity of a tensor that is written or added to", async () => {
    const ids = backend.upload(Int32Array.of(2 ** 24 + 1, -5), [2]);
    expect(await ids.read()).toEqual(Int32Array.of(2 ** 24 + 1, -5));
    backend.write(ids, Int32Array.of(7, 8));
    expect(await ids.read()).toEqual(Int32Array.of(7, 8));
    const x = backend.upload(Float64Array.of(1, 2), [2]);
    const sum = backend.upload(Float32Array.of(1, 2), [2]);
    expect(backend.run("scale", { x }, { factor: 3 }, { y: sum }).y).toBe(sum);
    expect(await sum.array()).toEqual([4, 8]);
    expect(() => backend.run("scale", { x }, { factor: 3 }, { y: x })).toThrow(
      "scale: into.y and x are one tensor",
    );
    backend.write(x, Float32Array.of(5, 6));
    expect(await x.array()).toEqual([5, 6]);
    for (const tensor of [ids, x, sum]) tensor.free();
  });
});

it("reads several tensors in their order, whole numbers among them, and none", async () => {
  const x = backend.upload(Float32Array.of(1, 2), [2]);
  const ids = backend.upload(Int32Array.of(2 ** 24 + 1), [1]);
  const empty = backend.upload(new Float32Array(), [0]);
  expect(await backend.readMany([x, ids, empty, x])).toEqual([
    Float32Array.of(1, 2),
    Int32Array.of(2 ** 24 + 1),
    new Float32Array(),
    Float32Array.of(1, 2),
  ]);
  expect(await backend.readMany([])).toEqual([]);
  for (const tensor of [x, ids, empty]) tensor.free();
  await expect(backend.readMany([x])).rejects.toThrow("readMany: this tensor was freed before this use");
});

describe("tensors without values", () => {
  const none = backend.upload(new Float32Array(), [2, 0]);

  it("are reshaped, written, read and freed as any other, and take no memory", async () => {
    const { liveBytes } = backend.memory();
    const other = backend.reshape(none, [0, 3, 1]);
    backend.write(other, new Float32Array());
    const { y } = backend.run("unary", { x: other }, { op: "exp" });
    expect(await y.array()).toEqual([]);
    expect(backend.memory().liveBytes).toBe(liveBytes);
    for (const tensor of [other, y]) tensor.free();
  });

  it("add what is made of nothing to a target that exists", async () => {
    const target = backend.upload(Float32Array.of(1, 2), [2]);
    const x = backend.reshape(none, [2, 0, 1]);
    const into = backend.reshape(target, [2, 1]);
    backend.run("reduce", { x }, { op: "prod" }, { y: into });
    expect(await target.read()).toEqual(Float32Array.of(2, 3));
    for (const tensor of [target, x, into]) tensor.free();
  });

  it("are refused where values on the device would count", () => {
    const [x, w] = [backend.upload(new Float32Array(), [2, 0]), backend.upload(new Float32Array(), [3, 0])];
    const bias = backend.upload(new Float32Array(3), [3]);
    const targets = backend.upload(Int32Array.of(0, 1), [2]);
    expect(() => backend.run("linearCrossEntropy", { x, w, bias, targets }, {})).toThrow(
      "gpu: linearCrossEntropy: one operand is without values and bias, which counts, is not",
    );
    for (const tensor of [x, w, bias, targets]) tensor.free();
  });
});

describe("whole numbers that a kernel made or changed", () => {
  it("are read as they are now, not as the host once gave them", async () => {
    const [y, x] = [[1, 2, 3], [7]].map((values) => backend.upload(Int32Array.from(values), [values.length]));
    backend.run("assign", { y, x }, { strides: [1], offset: 1 });
    expect(await y.read()).toEqual(Int32Array.of(1, 7, 3));
    const sum = backend.upload(Int32Array.of(5), [1, 1]);
    const wide = backend.reshape(y, [1, 3, 1]);
    backend.run("reduce", { x: wide }, { op: "sum" }, { y: sum });
    expect(await sum.read()).toEqual(Int32Array.of(16));
    for (const tensor of [x, y, sum, wide]) tensor.free();
  });

  it("stop at the ends of int32", async () => {
    const x = backend.upload(Float32Array.of(3e9, -3e9, NaN), [3]);
    const { y } = backend.run("cast", { x }, { to: "int32" });
    expect(await y.read()).toEqual(Int32Array.of(2 ** 31 - 1, -(2 ** 31), 0));
    for (const tensor of [x, y]) tensor.free();
  });

  it("as places take NaN from outside and add nothing there, and are refused by kernels that need them checked", async () => {
    const x = backend.upload(Float32Array.of(1, 2, 3), [1, 3, 1]);
    const { y: index } = backend.run("range", {}, { size: 3, start: -1, step: 2, dtype: "int32" });
    const { y: taken } = backend.run("indexSelect", { x, index }, {});
    expect(await taken.read()).toEqual(Float32Array.of(NaN, 2, NaN));
    const { y: added } = backend.run("indexAdd", { x, index }, { N: 3 });
    expect(await added.read()).toEqual(Float32Array.of(0, 2, 0));
    const table = backend.reshape(x, [3, 1]);
    expect(() => backend.run("embedding", { table, ids: index }, {})).toThrow(
      "embedding: ids were made by a kernel",
    );
    const places = backend.upload(Int32Array.of(0, 3), [2]);
    const walk = { shape: [1], strides: [1], offset: 1 };
    const { y: cut } = backend.run("strided", { x: places }, walk);
    expect(() => backend.run("embedding", { table, ids: cut }, {})).toThrow("ids[0] is 3");
    expect(() => backend.run("indexSelect", { x, index: places }, {})).toThrow(
      "indexSelect: index[1] is 3; it must be from 0 to 2",
    );
    for (const tensor of [x, index, taken, added, table, places, cut]) tensor.free();
  });
});

describe("refusals", () => {
  it("of tensors that were freed or live elsewhere", async () => {
    const x = backend.upload(Float32Array.of(1), [1]);
    x.free();
    expect(() => x.free()).toThrow(/freed before this use/);
    await expect(x.read()).rejects.toThrow(BackendError);
    expect(() => backend.run("scale", { x }, { factor: 2 })).toThrow(/freed/);
    const foreign = reference().upload(Float32Array.of(1), [1]);
    expect(() => backend.free(foreign)).toThrow(/another backend \(reference\)/);
    expect(() => backend.run("scale", { x: foreign }, { factor: 2 })).toThrow(BackendError);
  });

  it("of ids, targets and classes that are out of range, before anything runs", () => {
    const table = backend.upload(new Float32Array(6), [3, 2]);
    const bad = backend.upload(Int32Array.of(0, 3), [2]);
    const negative = backend.upload(Int32Array.of(-1, 0), [2]);
    const x = backend.upload(new Float32Array(4), [2, 2]);
    const gamma = backend.upload(new Float32Array(2), [2]);
    const { liveBytes } = backend.memory();
    const message = /\[1\] is 3; it must be from 0 to 2/;
    expect(() => backend.run("embedding", { table, ids: bad }, {})).toThrow(message);
    expect(() => backend.run("embedding", { table, ids: negative }, {})).toThrow(/ids\[0\] is -1/);
    expect(() => backend.run("embeddingGrad", { dy: x, ids: bad }, { vocabulary: 3 })).toThrow(message);
    expect(() => backend.run("linearCrossEntropy", { x, w: table, targets: bad }, {})).toThrow(message);
    const std = { first: 1, eot: 1, rest: 1 };
    const norm = { x, gamma, beta: gamma, classes: bad };
    expect(() => backend.run("frozenNorm", norm, { std })).toThrow(message);
    expect(backend.memory().liveBytes).toBe(liveBytes);
  });

  it("of shapes that do not fit, and of buffers larger than the mode can hold, with the figure", () => {
    const x = backend.upload(new Float32Array(6), [2, 3]);
    expect(() => backend.run("linear", { x, w: x }, {})).toThrow(ShapeError);
    expect(() => backend.run("full", {}, { shape: [2 ** 30], value: 1, dtype: "float32" })).toThrow(
      /full\.y \[1073741824\] needs 1073741824 values in all; this mode holds 1073479680 at most/,
    );
  });

  it("of everything once disposed; disposing twice is fine", async () => {
    const short: Backend = await gpu({ mode: "webasm" });
    const x = short.upload(Float32Array.of(1), []);
    await short.dispose();
    await short.dispose();
    expect(() => short.upload(Float32Array.of(1), [])).toThrow(/disposed/);
    expect(() => short.run("scale", { x }, { factor: 2 })).toThrow(/disposed/);
    await expect(x.read()).rejects.toThrow(/disposed/);
  });
});
