import { gpu } from "@normless/tensor/gpu";
import { describe } from "vitest";
import { givesPyTorchsValues } from "../packages/gpt2/test/gives-pytorchs-values.js";

// The kernels that gpu.js compiles for a GPU, compiled to WebAssembly instead: float32 as there, on any machine.
describe("GPT-2 gives PyTorch's values on gpu.js in mode webasm", () => {
  givesPyTorchsValues(() => gpu({ mode: "webasm" }));
});
