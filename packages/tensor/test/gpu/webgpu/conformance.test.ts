import { afterAll, beforeAll, describe, it } from "vitest";
import { conformance } from "../../../src/testing/index.js";
import { gpuBackend, type GpuBackend } from "../../../src/gpu/backend.js";
import { kernels } from "../../../src/gpu/kernels/index.js";
import { webgpu } from "../../../src/gpu/webgpu/webgpu.js";
import { useSwiftShader } from "./vulkan.js";

useSwiftShader();

describe.each([
  { name: "kernels in WGSL", options: { tune: false } },
  { name: "kernels of gpu.js", options: { overrides: false } },
])("webgpu, $name", ({ options }) => {
  let backend: GpuBackend;
  beforeAll(async () => {
    const { executor, overrides } = await webgpu(options);
    backend = gpuBackend(executor, { ...kernels, ...overrides });
  });
  afterAll(() => backend.dispose());

  for (const check of conformance()) it(check.name, () => check.run(backend));
});
