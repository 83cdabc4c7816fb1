/** `npm run bench:table`: writes the READMEs' tables anew from the committed results. */
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { MORE_RESULTS, READMES, RESULTS, withTables } from "./results/readme.js";
import { parseResults, type Results } from "./results/results.js";

const fromRoot = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

const files = [RESULTS, ...MORE_RESULTS];
const runs: Results[] = [];
for (const file of files) runs.push(parseResults(await readFile(fromRoot(file), "utf8"), file));
for (const file of READMES) {
  await writeFile(fromRoot(file), await withTables(await readFile(fromRoot(file), "utf8"), ...runs));
  console.log(`${file}: tables from ${files.join(" and ")}`);
}
