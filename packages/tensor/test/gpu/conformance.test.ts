import { gpu } from "@normless/tensor/gpu";
import { describe } from "vitest";
import { conforms } from "./conforms.js";

describe("gpu, webasm", () => {
  conforms({ mode: "webasm", open: () => gpu({ mode: "webasm" }) });
});

/**
 * Mode cpu computes in float64 and keeps float32, so that what cancels in GPT-2's kernels is not the 0 that one precision gives;
 * nothing of these is looked at there.
 */
const FAMILIES =
  /^(unary|clamp|cast|binary|where|reduce|argReduce|cumsum|softmax|softmaxGrad|sort|strided|assign|full|range|indexSelect|indexAdd|gather|scatterAdd|matmul)$/;

describe("gpu, cpu", () => {
  conforms({ mode: "cpu", open: () => gpu({ mode: "cpu" }), of: FAMILIES });
});
