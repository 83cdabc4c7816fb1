import { defineConfig } from "vitest/config";

// Tests import the packages' sources through the "@normless/source" condition: no build but the AssemblyScript step.
const conditions = ["@normless/source", "module", "node", "development|production"];

interface Project {
  readonly include: readonly string[];
  readonly exclude?: readonly string[];
  /** Milliseconds. */
  readonly timeout?: number;
  /** Test files at once. */
  readonly workers?: number;
}

/** Which tests need what. `npm test` runs those that need nothing, `npm test -- --project NAME` one of the others. */
const projects: Readonly<Record<string, Project>> = {
  node: {
    include: [
      "test/*.test.ts",
      "test/fuzz/*.test.ts",
      "packages/*/test/**/*.test.ts",
      "apps/*/test/**/*.test.ts",
      "benchmarks/test/**/*.test.ts",
      "examples/*/test/**/*.test.ts",
    ],
    exclude: ["**/browser/**"],
  },
  /** A BLAS on this machine (Debian: apt-get install libopenblas0). */
  blas: { include: ["test/blas/*.test.ts"] },
  /** Built packages, and npx, which gets Bun. */
  bun: { include: ["test/bun/*.test.ts"] },
  /** A WebGPU adapter in Node: a GPU, or the SwiftShader of Debian's Chromium. */
  webgpu: { include: ["test/webgpu/*.test.ts"], timeout: 120_000, workers: 1 },
  /** The native package gl and an X server (packages/tensor/README.md). Where Mesa plays the GPU it may compile for a minute. */
  headlessgl: { include: ["test/headlessgl/**/*.test.ts"], timeout: 600_000 },
  /** A Chromium on this machine. */
  browser: { include: ["apps/*/test/browser/**/*.test.ts", "test/browser/**/*.test.ts"] },
};

const isAsked = (name: string) => {
  const asked = process.argv.flatMap((word, i, words) =>
    word === "--project" ? [words[i + 1]] : word.startsWith("--project=") ? [word.slice(10)] : [],
  );
  return asked.length > 0 ? asked.includes(name) : name === "node";
};

export default defineConfig({
  test: {
    maxWorkers: Math.min(
      ...Object.entries(projects).map(([name, { workers = 2 }]) => (isAsked(name) ? workers : 2)),
    ),
    projects: Object.entries(projects)
      .filter(([name]) => isAsked(name))
      .map(([name, { include, exclude = [], timeout = 60_000 }]) => ({
        resolve: { conditions },
        ssr: { resolve: { conditions } },
        test: {
          name,
          include: [...include],
          exclude: ["**/node_modules/**", "**/dist/**", ...exclude],
          pool: "forks",
          testTimeout: timeout,
          hookTimeout: timeout,
        },
      })),
  },
});
