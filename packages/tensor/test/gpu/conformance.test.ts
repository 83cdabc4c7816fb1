import { gpu } from "@normless/tensor/gpu";
import { describe } from "vitest";
import { conforms } from "./conforms.js";

describe("gpu, webasm", () => {
  conforms({ mode: "webasm", open: () => gpu({ mode: "webasm" }) });
});
