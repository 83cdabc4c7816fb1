import { defineConfig } from "tsup";

// One file out of the packages' sources.
export default defineConfig({
  entry: { main: "main.ts" },
  format: "esm",
  target: "es2022",
  clean: true,
  noExternal: [/^@normless\//],
  external: ["gpu.js", "webgpu", "koffi"],
  esbuildOptions(options) {
    options.conditions = ["@normless/source"];
  },
});
