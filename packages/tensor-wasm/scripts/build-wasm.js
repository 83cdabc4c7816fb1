/**
 * Compiles assembly/ twice, with relaxed SIMD and with plain SIMD128, and writes both into src/generated as base64 in
 * TypeScript modules, so that one code path loads them in Node, bundlers and browsers. Also copies the numbers of the
 * jobs out of assembly/phases.ts, and those of the operators out of the switches of jobs that have some.
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

const assembly = (file) => readFileSync(join(root, "assembly", file), "utf8");
const entriesOf = (found) => [...found].map(([, number, name]) => `  ${name}: ${number},\n`).join("");
const phases = entriesOf(assembly("phases.ts").matchAll(/case (\d+): return (\w+)\(/g));

/** `case 3: return each<Square>(unit)` of job `unary` is `unary: { square: 3 }`; what is of int32 alone says so at its end. */
const operators = ["unary.ts", "binary.ts", "reduce.ts"].flatMap((file) =>
  [...assembly(file).matchAll(/^export function (\w+)[^{]*\{\n  switch[^{]*\{\n((?: {4}case .*\n)+)/gm)].map(
    ([, job, cases]) => {
      const names = cases.replaceAll(/return (?:\w+<)+([A-Z])(\w*?)(?:Int32)?>+\(/g, (_, first, rest) => {
        return `return ${first.toLowerCase()}${rest}(`;
      });
      return `export const ${job}Operators = {\n${entriesOf(names.matchAll(/case (\d+): return (\w+)\(/g))}} as const;\n`;
    },
  ),
);
writeFileSync(
  join(generated, "phases.ts"),
  `export const phases = {\n${phases}} as const;\n${operators.join("")}`,
);
