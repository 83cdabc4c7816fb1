// What an app pays for our packages, bundled from what is built and minified: node .ci/sizes.js [--write]
// Each case is an app of one line. Its size is held against its budget in sizes.json; --write puts the table into README.md.
import { readFileSync, writeFileSync } from "node:fs";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { format, resolveConfig } from "prettier";

const README = "README.md";
const [BEGIN, END] = ["<!-- sizes -->", "<!-- /sizes -->"];

/** An app's one file: what it imports stays, since it exports it. */
const appOf = (imports) => imports.map((line) => `export ${line};`).join("\n");

async function sizeOf({ imports }) {
  const { outputFiles } = await build({
    stdin: { contents: appOf(imports), resolveDir: process.cwd() },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2022",
    // Imports of Node's modules and of optional peers are behind what a browser never comes to.
    external: ["node:*", "gpu.js", "webgpu"],
    logLevel: "error",
  });
  const { contents } = outputFiles[0];
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
  return {
    minified: contents.length,
    gzip: gzipSync(contents, { level: 9 }).length,
    brotli: brotliCompressSync(contents, quality).length,
  };
}

const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;

function tableOf(rows) {
  const lines = rows.map(
    ({ what, size, budget }) =>
      `| ${what} | ${[size.minified, size.gzip, size.brotli].map(kilobytes).join(" | ")} | ${kilobytes(budget)} |`,
  );
  return [
    "| an app of | minified | gzip | brotli | brotli, at most |",
    "| - | - | - | - | - |",
    ...lines,
  ].join("\n");
}

const cases = JSON.parse(readFileSync(new URL("sizes.json", import.meta.url), "utf8"));
const rows = [];
for (const { what, imports, budget } of cases) rows.push({ what, budget, size: await sizeOf({ imports }) });

for (const { what, size, budget } of rows) {
  const over = size.brotli > budget;
  console.log(`${over ? "OVER ITS BUDGET: " : ""}${what}: ${size.brotli} of ${budget} bytes in brotli`);
  if (over) process.exitCode = 1;
}
if (process.argv.includes("--write")) {
  const readme = readFileSync(README, "utf8");
  const [before, after] = [readme.split(BEGIN)[0], readme.split(END)[1]];
  const written = `${before}${BEGIN}\n\n${tableOf(rows)}\n\n${END}${after}`;
  writeFileSync(README, await format(written, { ...(await resolveConfig(README)), filepath: README }));
}
