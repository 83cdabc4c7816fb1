/** The worker as one file for browsers, from the sources of all packages: nothing polyfilled, nothing left to load. */
import { build } from "esbuild";
import { fileURLToPath } from "node:url";

export interface Bundle {
  readonly code: string;
  /** What the file would still import when it runs. */
  readonly imports: readonly string[];
}

/** @throws Error when a source imports one of Node's modules: for a browser it cannot be resolved. */
export async function bundle(entry: string): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    bundle: true,
    write: false,
    metafile: true,
    platform: "browser",
    format: "esm",
    target: "es2022",
    conditions: ["@normless/source"],
    logLevel: "silent",
  });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  return { code: outputFiles[0].text, imports: imports.map(({ path }) => path) };
}
