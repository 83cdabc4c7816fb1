/**
 * Compiles assembly/ twice, with relaxed SIMD and with plain SIMD128, and writes both into src/generated as base64 in
 * TypeScript modules, so that one code path loads them in Node, bundlers and browsers. Also copies the numbers of the
 * jobs out of assembly/phases.ts.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const generated = join(root, "src/generated");
mkdirSync(generated, { recursive: true });

const common = [
  ...["assembly/index.ts", "--baseDir", root, "--enable", "simd", "--enable", "threads"],
  ...["--importMemory", "--sharedMemory", "--maximumMemory", "65536", "--memoryBase", "65536"],
  ...["-O3", "--noAssert", "--runtime", "stub"],
];

for (const [name, extra] of [
  ["relaxed", ["--enable", "relaxed-simd"]],
  ["plain", []],
]) {
  let binary;
  const { error, stderr } = await asc.main([...common, ...extra, "--outFile", `${name}.wasm`], {
    readFile: (file, base) => {
      try {
        return readFileSync(join(base, file), "utf8");
      } catch {
        return null;
      }
    },
    writeFile: (_file, contents) => {
      binary = contents;
    },
    listFiles: () => [],
  });
  if (error) throw new Error(`${name}: ${error.message}\n${stderr.toString()}`);
  const base64 = Buffer.from(binary).toString("base64");
  writeFileSync(join(generated, `${name}.ts`), `export const ${name} =\n  "${base64}";\n`);
  console.log(`${name}: ${binary.length} bytes`);
}

const phases = [
  ...readFileSync(join(root, "assembly/phases.ts"), "utf8").matchAll(/case (\d+): return (\w+)\(/g),
];
const entries = phases.map(([, number, name]) => `  ${name}: ${number},\n`).join("");
writeFileSync(join(generated, "phases.ts"), `export const phases = {\n${entries}} as const;\n`);
