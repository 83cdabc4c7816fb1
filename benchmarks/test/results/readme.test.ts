/** The READMEs show what the committed results say. After a new run: npm run bench:table */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { MORE_RESULTS, READMES, RESULTS, withTables } from "../../src/results/readme.js";
import { parseResults, withFastestForms } from "../../src/results/results.js";
import { synthetic } from "../synthetic.js";

const read = (file: string) => parseResults(readFileSync(file, "utf8"), file);
const results = read(RESULTS);
const more = MORE_RESULTS.map(read);

it.each(READMES)("%s has the tables that npm run bench:table makes", async (file) => {
  const readme = readFileSync(file, "utf8");
  expect(readme).toBe(await withTables(readme, results, ...more));
});

it("holds every figure of the products and steps in both", () => {
  const rows = withFastestForms(results.rows).filter(({ suite }) => suite === "kernels" || suite === "steps");
  expect(rows.length).toBeGreaterThan(10);
  for (const file of READMES) {
    const lines = readFileSync(file, "utf8").split("\n");
    for (const row of rows) {
      const line = lines.find((text) => text.startsWith(`| \`${row.case}\``) && text.includes(row.about));
      const shown = line?.match(/[\d,]+(\.\d+)?/g)?.map((text) => Number(text.replaceAll(",", ""))) ?? [];
      const close = shown.some((value) => Math.abs(value - row.value) <= 0.006 * row.value);
      expect(close, `${file}: ${row.case}, ${row.engine}`).toBe(true);
    }
  }
});

it("is of the PyTorch that the stock peers are pinned to, eager and compiled", () => {
  const pinned = /^torch==(\S+)$/m.exec(readFileSync("test/peers/requirements.txt", "utf8"));
  expect(results.descriptions["pytorch"]).toContain(`PyTorch ${pinned?.[1]}`);
  const rows = results.rows.filter(({ engine, suite }) => engine === "pytorch" && suite !== "kernels");
  expect(new Set(rows.map((row) => ("form" in row ? row.form : undefined)))).toEqual(
    new Set(["eager", "compiled"]),
  );
});

it("changes when a figure does", async () => {
  const readme = readFileSync("README.md", "utf8");
  const [first, ...rest] = results.rows;
  const other = { ...results, rows: [{ ...first, value: 3 * first.value }, ...rest] };
  expect(await withTables(readme, other)).not.toBe(readme);
});

it("shows a suite of another run with where that was, and its goals among all", async () => {
  const marked = ["machine", "primitives", "goals"].map(
    (name) => `<!-- bench:${name} --><!-- /bench:${name} -->`,
  );
  const text = await withTables(marked.join("\n\n"), { ...synthetic, rows: [] }, ...more);
  const [first, primitives, goals] = text.split("<!-- /bench:");
  expect(first).toContain("A <fast> CPU");
  expect(first).not.toContain(more[0].machine.cpu);
  expect(primitives).toContain(more[0].machine.cpu);
  expect(goals.match(/^\| .*primitive.*(met|missed) +\|$/gm)).toHaveLength(4);
});

it("has no suite in two runs", () => {
  const suites = [results, ...more].flatMap(({ rows }) => [...new Set(rows.map(({ suite }) => suite))]);
  expect(new Set(suites).size).toBe(suites.length);
});

it("says what a run did not measure", async () => {
  const marked = "<!-- bench:steps -->\n<!-- /bench:steps -->\n";
  expect(await withTables(marked, { ...results, rows: [] })).toContain("Not measured in this run.");
});

it("refuses a README without a mark, and a mark that is no suite's", async () => {
  await expect(withTables("# nothing\n", results)).rejects.toThrow("bench:NAME");
  await expect(withTables("<!-- bench:step --><!-- /bench:step -->", results)).rejects.toThrow("bench:step");
});
