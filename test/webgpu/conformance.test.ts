import { afterAll, beforeAll, describe, it } from "vitest";
import { gpu, type GpuBackend } from "../../packages/tensor/src/gpu/index.js";
import { conformance } from "../../packages/tensor/src/testing/index.js";
import { useSwiftShader } from "./vulkan.js";

useSwiftShader();

describe.each([
  { name: "kernels in WGSL", options: { tune: false } },
  { name: "kernels of gpu.js", options: { overrides: false } },
])("webgpu, $name", ({ options }) => {
  let backend: GpuBackend;
  beforeAll(async () => {
    backend = await gpu({ mode: "webgpu", webgpu: options });
  });
  afterAll(() => backend.dispose());

  for (const check of conformance()) it(check.name, () => check.run(backend));
});
