import { defineConfig } from "tsup";
// @boundaries-ignore the one build that all packages share
import { packageBuild } from "../../tsup.base.js";

export default defineConfig({
  ...packageBuild(["src/index.ts", "src/testing/index.ts", "src/gpu/index.ts"]),
  // Symbol.dispose, by which a Tensor is freed where `using` ends: no lib of a year has it yet.
  dts: { banner: '/// <reference lib="esnext.disposable" />' },
});
