import { defineConfig } from "tsup";

/** An example's `src/main.ts` with the packages bundled from their sources, so that it runs in a clone where none is built. */
export default defineConfig({
  entry: ["src/main.ts"],
  format: "esm",
  target: "es2022",
  clean: true,
  noExternal: [/^@normless\//],
  esbuildOptions(options) {
    options.conditions = ["@normless/source"];
  },
});
