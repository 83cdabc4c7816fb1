import { gpu } from "@normless/tensor/gpu";
import { describe } from "vitest";
import { givesPyTorchsValues } from "../../packages/gpt2/test/gives-pytorchs-values.js";
import { useSwiftShader } from "./vulkan.js";

useSwiftShader();

describe.each([
  { name: "kernels in WGSL", options: { tune: false } },
  { name: "kernels of gpu.js", options: { overrides: false } },
])("GPT-2 gives PyTorch's values on webgpu: $name", ({ options }) => {
  givesPyTorchsValues(() => gpu({ mode: "webgpu", webgpu: options }));
});
