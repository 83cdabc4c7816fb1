import { defineConfig } from "tsup";
// @boundaries-ignore the one build that all packages share
import { packageBuild } from "../../tsup.base.js";

export default defineConfig(packageBuild());
