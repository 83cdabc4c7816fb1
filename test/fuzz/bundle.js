/** A format's target in one file, with counters in every statement of what reads it (istanbul). */
import { readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { createInstrumenter } from "istanbul-lib-instrument";

const root = fileURLToPath(new URL("../..", import.meta.url));
const here = join(root, "test", "fuzz");

/** What is searched through: our readers, and the libraries that they leave a format to. What else is in a bundle only costs. */
const OURS =
  /[/\\](packages[/\\](safetensors|text|hub|data|gpt2[/\\]src[/\\]files|layernorm)|apps[/\\][^/\\]+[/\\]src[/\\](json|run-folder))[/\\].*\.ts$/;
const LIBRARIES =
  /[/\\]node_modules[/\\](hyparquet|hyparquet-compressors|seek-bzip|@msgpack[/\\]msgpack)[/\\].*\.m?js$/;

const instrumented = {
  name: "instrumented",
  setup(build) {
    build.onLoad({ filter: new RegExp(`${OURS.source}|${LIBRARIES.source}`) }, ({ path }) => {
      const isOurs = OURS.test(path);
      const instrumenter = createInstrumenter({
        esModules: !path.includes("seek-bzip"),
        parserPlugins: isOurs ? ["typescript"] : [],
        generatorOpts: { retainLines: true },
      });
      const name = relative(root, path).split(sep).join("/");
      return {
        contents: instrumenter.instrumentSync(readFileSync(path, "utf8"), name),
        loader: isOurs ? "ts" : "js",
      };
    });
  },
};

/** Builds the target of a format as the file `outfile`, for a worker. */
export async function bundle(format, outfile) {
  const contents = `import { target } from "./targets/${format}.ts"; import { search } from "./search.ts"; void search(target);`;
  await build({
    stdin: { contents, resolveDir: here, loader: "ts" },
    outfile,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "es2022",
    conditions: ["@normless/source"],
    plugins: [instrumented],
    // Reading needs no engine.
    external: ["koffi", "gpu.js", "webgpu"],
    define: { "import.meta.url": "import_meta_url" },
    banner: { js: "const import_meta_url = require('node:url').pathToFileURL(__filename).href;" },
    logLevel: "error",
  });
}
