import { reference } from "@normless/tensor";
import { describe, expect, it } from "vitest";
import { fixture, givesPyTorchsValues } from "../gives-pytorchs-values.js";
import { tagsOf, tagsWithGradients } from "../pytorch.js";

it("finds the tags that the generator writes", () => {
  expect(tagsOf(fixture).length).toBeGreaterThanOrEqual(7);
  expect(tagsWithGradients(fixture).length).toBeGreaterThanOrEqual(6);
});

describe("PyTorch's values on the reference backend", () => {
  givesPyTorchsValues(() => Promise.resolve(reference()));
});

describe("PyTorch's values on the reference backend in float32", () => {
  givesPyTorchsValues(() => Promise.resolve(reference({ precision: "float32" })));
});
