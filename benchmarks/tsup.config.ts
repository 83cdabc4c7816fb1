import { defineConfig } from "tsup";

// Self-contained files from the packages' sources: what is measured is what was just built.
export default defineConfig({
  entry: {
    main: "src/main.ts",
    table: "src/table.ts",
    step: "src/steps/ours.ts",
    inside: "src/inside/ours.ts",
    "bench-inside": "src/inside/main.ts",
    small: "src/small/main.ts",
    memory: "src/memory/main.ts",
    "training-step": "src/memory/training-step.ts",
    peak: "src/harness/peak.ts",
  },
  format: "esm",
  target: "es2022",
  clean: true,
  noExternal: [/^@normless\//, "d3-scale", "d3-shape"],
  esbuildOptions(options) {
    options.conditions = ["@normless/source"];
  },
});
