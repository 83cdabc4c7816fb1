import { defineConfig } from "vitest/config";
import base from "./vitest.config.js";

// The tests that need a Chromium on this machine: `npm run test:browser`.
export default defineConfig({
  ...base,
  test: {
    include: ["apps/*/test/browser/**/*.test.ts", "test/browser/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**"],
    pool: "forks",
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
