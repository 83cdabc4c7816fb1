import { defineConfig } from "tsup";
// @boundaries-ignore the one build that all packages share
import { packageBuild } from "../../tsup.base.js";

/**
 * The command: the workspace packages bundled from their sources, so that it needs none of them built. npm packages
 * stay imports.
 */
export default defineConfig({
  ...packageBuild(),
  entry: { cli: "src/main.ts" },
  dts: false,
  noExternal: [/^@normless\//],
  esbuildOptions(options) {
    options.conditions = ["@normless/source"];
  },
});
