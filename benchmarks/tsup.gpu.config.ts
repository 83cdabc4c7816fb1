import { defineConfig } from "tsup";

const common = {
  format: "esm",
  target: "es2022",
  outDir: "dist/gpu",
  esbuildOptions(options: { conditions?: string[] | undefined }) {
    options.conditions = ["@normless/source"];
  },
} as const;

// The command for Node, where gpu.js and webgpu are packages; and the page, which has all in one file.
export default defineConfig([
  { ...common, entry: { main: "src/gpu/main.ts" }, noExternal: [/normless/], external: ["gpu.js"] },
  {
    ...common,
    entry: { page: "src/gpu/page.ts" },
    platform: "browser",
    noExternal: [/.*/],
    splitting: false,
  },
]);
