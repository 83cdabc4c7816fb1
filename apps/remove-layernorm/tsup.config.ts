import { defineConfig, type Options } from "tsup";
// @boundaries-ignore the one build that all packages share
import { packageBuild } from "../../tsup.base.js";

/** The library: the run's core, with the workspace packages as imports. */
const core: Options = { ...packageBuild(), entry: { core: "src/core/index.ts" }, clean: false };

/**
 * The command: the workspace packages bundled from their sources, so that it needs none of them built. npm packages
 * stay imports. Nothing imports this file, so that no class exists twice.
 */
const cli: Options = {
  ...packageBuild(),
  entry: { cli: "src/cli/main.ts" },
  clean: false,
  dts: false,
  noExternal: [/^@normless\//],
  esbuildOptions(options) {
    options.conditions = ["@normless/source"];
  },
};

// `tsup --no-dts` builds the command alone, which is what `npm start` waits for.
export default defineConfig(({ dts }) => (dts === false ? cli : [core, cli]));
