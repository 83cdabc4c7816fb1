import { reference } from "@normless/tensor";
import { describe, expect, it } from "vitest";
import { givesPyTorchsValues, tags, withGradients } from "./pytorch.js";

it("finds the tags that the generator writes", () => {
  expect(tags.length).toBeGreaterThanOrEqual(7);
  expect(withGradients.length).toBeGreaterThanOrEqual(6);
});

describe("PyTorch's values on the reference backend", () => {
  givesPyTorchsValues(() => Promise.resolve(reference()));
});

describe("PyTorch's values on the reference backend in float32", () => {
  givesPyTorchsValues(() => Promise.resolve(reference({ precision: "float32" })));
});
