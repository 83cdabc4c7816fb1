import { beforeAll, describe, expect, it } from "vitest";
import type { JsPass } from "../../../src/gpu/program.js";
import { loadTranslator, prepare, type Translate } from "../../../src/gpu/webgpu/gpujs.js";

let translate: Translate;
beforeAll(async () => {
  translate = await loadTranslator();
});

const pass: JsPass = {
  kind: "gpu.js",
  key: "product",
  source: `function (a, b, factor) {
    let sum = 0;
    for (let i = 0; i < 2000; i++) { sum += a[this.thread.y][i] * b[i]; }
    return sum * factor;
  }`,
  output: [10, 3],
  reads: [{ name: "a", width: 2000 }, { name: "b" }],
  writes: "y",
  floats: [0.5],
};

describe("what is read of gpu.js's private fields", () => {
  it("is WGSL that binds uniforms, the buffers read, the buffer written, in this order", () => {
    const { code } = translate(pass);
    const bindings = [...code.matchAll(/@group\(0\) @binding\((\d)\) var<([^>]*)> (\w+)/g)];
    expect(bindings.map(([, binding, space, name]) => [binding, space, name])).toEqual([
      ["0", "uniform", "params"],
      ["1", "storage, read", "user_a"],
      ["2", "storage, read", "user_b"],
      ["3", "storage, read_write", "result"],
    ]);
  });

  it("is the size of the workgroups and where the uniforms are, 16 bytes of sizes first", () => {
    const { workgroupSize, dimsOffsets, floatOffsets, uniformBytes } = translate(pass);
    expect({ workgroupSize, dimsOffsets, floatOffsets, uniformBytes }).toEqual({
      workgroupSize: [8, 8, 1],
      dimsOffsets: [16, 32],
      floatOffsets: [48],
      uniformBytes: 64,
    });
  });

  it("has no bound of its own on loops", () => {
    const { code } = translate(pass);
    expect(code).toContain("2000");
    expect(code).not.toContain("LOOP_MAX");
  });

  it("names the kernel that gpu.js refuses", () => {
    const refused = { ...pass, key: "impossible", source: "function (a, b, factor) { return a.nothing(); }" };
    expect(() => translate(refused)).toThrow("gpu.js refuses impossible");
  });
});

describe("uniforms of a translated kernel", () => {
  const written = (of: JsPass, sizes: number[], maxGroups = 65_535) => {
    const translation = translate(of);
    const view = new DataView(new ArrayBuffer(translation.uniformBytes));
    const groups = prepare(of, translation, sizes, maxGroups, view);
    const u32 = (offset: number) => view.getUint32(offset, true);
    return { groups, u32, float: view.getFloat32(translation.floatOffsets[0] ?? 0, true) };
  };

  it("are the output's sides, each buffer's rows and the floats", () => {
    const { groups, u32, float } = written(pass, [6000, 2000]);
    expect(groups).toEqual([2, 1, 1]);
    expect([0, 4, 8, 12].map(u32)).toEqual([10, 3, 1, 0]);
    expect([16, 20, 32, 36].map(u32)).toEqual([2000, 3, 2000, 1]);
    expect(float).toBe(0.5);
  });

  it("fold a long output over y, and say how wide it is", () => {
    const long: JsPass = {
      ...pass,
      source: "function (a) { return a[this.thread.x]; }",
      output: [1000],
      reads: [{ name: "a" }],
      floats: [],
    };
    const { groups, u32 } = written(long, [1000], 10);
    expect(groups).toEqual([8, 2, 1]);
    expect(u32(12)).toBe(8 * 64);
  });
});
