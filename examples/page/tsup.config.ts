import { defineConfig, type Options } from "tsup";

const common: Options = {
  format: "esm",
  target: "es2022",
  noExternal: [/^@normless\//],
  esbuildOptions(options) {
    options.conditions = ["@normless/source"];
  },
};

// The server for Node; the page and its worker for browsers, each one file, with index.html beside them. WebGPU needs no gpu.js.
export default defineConfig([
  { ...common, entry: ["src/main.ts"] },
  {
    ...common,
    entry: ["src/page.ts", "src/worker.ts"],
    platform: "browser",
    publicDir: "src/public",
    splitting: false,
    minify: true,
    external: ["gpu.js"],
  },
]);
