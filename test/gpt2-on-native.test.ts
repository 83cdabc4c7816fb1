import { describe } from "vitest";
import { givesPyTorchsValues } from "../packages/gpt2/test/gives-pytorchs-values.js";
import { engine, isBuilt } from "../packages/tensor-native/test/built.js";

describe.runIf(isBuilt).each([1, 2])("GPT-2 gives PyTorch's values on native: %i thread(s)", (threads) => {
  givesPyTorchsValues(() => engine({ threads }));
});
