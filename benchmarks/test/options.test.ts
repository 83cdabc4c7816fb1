import { expect, it } from "vitest";
import { threadCount } from "../src/options.js";

it("takes whole numbers and nothing else", () => {
  expect(["1", "64"].map(threadCount)).toEqual([1, 64]);
  for (const text of ["x", "", "0", "65", "1.5", "-1", "2x", "1e1"])
    expect(() => threadCount(text), text).toThrow("Expected a whole number from 1 to 64.");
});
