import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { MORE_RESULTS, RESULTS } from "../src/results/readme.js";
import { parseResults, suiteNames } from "../src/results/results.js";
import { checkCases, suites } from "../src/suites/index.js";

it("takes every case that the tables show; of a profile, the step", () => {
  for (const file of [RESULTS, ...MORE_RESULTS]) {
    for (const { suite, case: name } of parseResults(readFileSync(file, "utf8"), file).rows)
      expect(suites[suite].cases).toContain(suite === "profile" ? name.split(" ")[0] : name);
  }
});

it("refuses a name that no suite asked for has, and lists those that are", () => {
  expect(() => checkCases(["mlp_in", "tiny"], suiteNames)).not.toThrow();
  expect(() => checkCases(["mlp_in", "typo"], ["kernels"])).toThrow(/named typo:\n {2}kernels: mlp_in,/);
  expect(() => checkCases(["op"], ["kernels"])).toThrow("named op");
});
