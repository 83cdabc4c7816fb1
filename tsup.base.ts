import type { Options } from "tsup";

/** What every package's build shares: ESM with types, readable output, workspace packages left as imports. */
export function packageBuild(entry: string[] = ["src/index.ts"]): Options {
  return { entry, format: "esm", target: "es2022", dts: true, clean: true, sourcemap: true, splitting: true };
}
