import { defineConfig } from "tsup";

// One self-contained file from the packages' sources: what is measured is what was just built.
export default defineConfig({
  entry: ["src/kernels.ts"],
  format: "esm",
  target: "es2022",
  clean: true,
  noExternal: [/^@normless\//],
  esbuildOptions(options) {
    options.conditions = ["@normless/source"];
  },
});
