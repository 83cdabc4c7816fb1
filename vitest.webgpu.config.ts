import { defineConfig } from "vitest/config";
import base from "./vitest.config.js";

// The tests that need a WebGPU adapter in Node: a GPU, or the SwiftShader of Debian's Chromium. `npm run test:webgpu`.
export default defineConfig({
  ...base,
  test: { ...base.test, include: ["test/webgpu/*.test.ts"], testTimeout: 120_000, maxWorkers: 1 },
});
