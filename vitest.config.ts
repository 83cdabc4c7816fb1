import { defineConfig } from "vitest/config";

// Tests import the packages' sources through the "@normless/source" condition: no build but the AssemblyScript step.
const conditions = ["@normless/source"];

export default defineConfig({
  resolve: { conditions: [...conditions, "module", "node", "development|production"] },
  ssr: { resolve: { conditions: [...conditions, "module", "node", "development|production"] } },
  test: {
    include: [
      "test/*.test.ts",
      "packages/*/test/**/*.test.ts",
      "apps/*/test/**/*.test.ts",
      "benchmarks/test/**/*.test.ts",
    ],
    exclude: ["**/node_modules/**", "**/dist/**", "**/browser/**"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
