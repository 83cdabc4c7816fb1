/** An op and a norm of one's own on WebGPU: by its WGSL, and by the kernel that it has for gpu.js. */
import { gpu } from "@normless/tensor/gpu";
import { afterAll, describe, expect, it, vi } from "vitest";
import { checks, trains } from "../../examples/dyt/test/held.js";
import { useSwiftShader } from "./vulkan.js";

useSwiftShader();

describe.each([
  { name: "in WGSL", options: { tune: false }, ops: checks() },
  { name: "in gpu.js", options: { overrides: false }, ops: checks((op) => ({ ...op, wgsl: undefined })) },
])("dyt on webgpu, $name", async ({ options, ops }) => {
  const backend = await gpu({ mode: "webgpu", webgpu: options });
  for (const check of ops) it(check.name, () => check.run(backend));
  it("trains a GPT-2", () => trains(backend));
  afterAll(() => backend.dispose());
});

describe("dyt without WGSL on a WebGPU that runs nothing else", async () => {
  const backend = await gpu({ mode: "webgpu", webgpu: { tune: false } });
  const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  for (const check of checks((op) => ({ ...op, wgsl: undefined }))) {
    it(`is the host's: ${check.name}`, () => check.run(backend));
  }
  it("is said to be, once", () =>
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/no kernel for dyt/)]]));
  afterAll(() => backend.dispose());
});
