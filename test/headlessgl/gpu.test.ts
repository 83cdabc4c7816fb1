import { gpu } from "@normless/tensor/gpu";
import { describe } from "vitest";
import { conforms } from "../../packages/tensor/test/gpu/conforms.js";

describe("gpu, headlessgl", () => {
  conforms({ mode: "headlessgl", open: () => gpu({ mode: "headlessgl" }) });
});
