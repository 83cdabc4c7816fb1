import { existsSync, readdirSync } from "node:fs";
import { describe, it } from "vitest";
import { isBuilt } from "../packages/tensor-native/test/built.js";
import { checkReadmeExample } from "./readme-example.js";

// Every package's README shows one example: the same text as test/readme.example.ts, which is type-checked, and run
// here; that of tensor-blas, which needs a library of the system, is run by test/blas, and that of tensor-native where that
// is built.
const packages = readdirSync("packages")
  .filter((name) => existsSync(`packages/${name}/package.json`))
  .filter((name) => name !== "tensor-blas");

describe("README examples", () => {
  for (const name of packages) {
    it.runIf(name !== "tensor-native" || isBuilt)(`of ${name} runs and prints what its comments say`, () =>
      checkReadmeExample(name),
    );
  }
});
