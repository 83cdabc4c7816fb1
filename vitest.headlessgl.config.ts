import { defineConfig } from "vitest/config";
import base from "./vitest.config.js";

// The GPU's kernels on headless GL, for machines with the native package gl and an X server (packages/tensor/README.md).
export default defineConfig({
  ...base,
  // Where Mesa plays the GPU it may compile for a minute.
  test: { include: ["test/headlessgl/**/*.test.ts"], pool: "forks", testTimeout: 600_000 },
});
