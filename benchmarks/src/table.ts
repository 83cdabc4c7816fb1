/** `npm run bench:table`: writes the READMEs' tables anew from the committed results. */
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { READMES, RESULTS, withTables } from "./results/readme.js";
import { parseResults } from "./results/results.js";

const fromRoot = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

const results = parseResults(await readFile(fromRoot(RESULTS), "utf8"), RESULTS);
for (const file of READMES) {
  await writeFile(fromRoot(file), await withTables(await readFile(fromRoot(file), "utf8"), results));
  console.log(`${file}: tables from ${RESULTS}`);
}
