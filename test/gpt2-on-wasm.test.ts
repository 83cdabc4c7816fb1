import { wasm } from "@normless/tensor-wasm";
import { describe } from "vitest";
import { givesPyTorchsValues } from "../packages/gpt2/test/gives-pytorchs-values.js";

// Here, since @normless/gpt2 knows no engine and no engine knows a model.
describe.each([
  { threads: 1, simd: "auto" },
  { threads: 2, simd: "auto" },
  { threads: 2, simd: "plain" },
] as const)("GPT-2 gives PyTorch's values on wasm: $threads threads, $simd SIMD", (options) => {
  givesPyTorchsValues(() => wasm(options));
});
