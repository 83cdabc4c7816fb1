/** `npm run fuzz`: a search for files that a reader takes badly, format by format. README.md says how. */
import { fork } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import coverage from "istanbul-lib-coverage";
import { format as pretty } from "prettier";

const file = (name) => fileURLToPath(new URL(name, import.meta.url));
const [RESULTS, README] = [file("results.json"), file("README.md")];
/** Percent of each reader's lines that a search is to reach. */
const GOAL = 95;

const formats = readdirSync(file("targets")).map((name) => name.replace(/\.ts$/, ""));
const number = (value) => Math.round(value).toLocaleString("en-US");

function usage(message) {
  console.error(message);
  process.exit(2);
}

const { values } = parseArgs({
  options: {
    format: { type: "string", multiple: true, default: formats },
    cases: { type: "string", default: "10000" },
    seed: { type: "string", default: String(1 + Math.floor(Math.random() * 2 ** 31)) },
    jobs: { type: "string", default: "2" },
    lines: { type: "boolean", default: false },
    record: { type: "boolean", default: false },
    table: { type: "boolean", default: false },
  },
});
const [cases, seed, jobs] = ["cases", "seed", "jobs"].map((name) => {
  const value = Number(values[name]);
  return Number.isSafeInteger(value) && value > 0 ? value : usage(`--${name} is a whole number from 1 up`);
});
const unknown = values.format.find((name) => !formats.includes(name));
if (unknown !== undefined) usage(`--format ${unknown}: the formats are ${formats.join(", ")}`);

function search(format) {
  const child = fork(file("watch.js"), { env: { ...process.env, NODE_NO_WARNINGS: "1" } });
  child.send({ format, cases, seed });
  return new Promise((resolve, reject) => {
    child.once("message", resolve);
    child.once("exit", (code) => reject(new Error(`the search of ${format} ended with ${code}`)));
  });
}

/** What all searches reached, of all files. */
const reached = coverage.createCoverageMap({});

/** Of each file of a target's reader: its lines, those that some search reached, and the others by number. */
function linesOf(reader) {
  return reader.map((path) => {
    const lines = Object.entries(reached.fileCoverageFor(path).getLineCoverage());
    const missed = lines.filter(([, count]) => count === 0).map(([line]) => line);
    return { path, lines: lines.length, reached: lines.length - missed.length, missed };
  });
}

const total = (files, field) => files.reduce((sum, one) => sum + one[field], 0);

/** What is kept of a search for the table. */
function recorded({ format, cases, slowest, memory, fault, reader = [] }) {
  const files = linesOf(reader);
  const lines = (100 * total(files, "reached")) / total(files, "lines");
  return { format, cases, crashes: fault ? 1 : 0, slowest, memory, lines };
}

function report({ format, cases, slowest, memory, seconds, kept, fault, coverage: counters }) {
  if (counters) reached.merge(counters);
  const what = `slowest ${number(slowest)} ms, at most ${number(memory / 1e6)} MB, ${kept} files kept`;
  console.log(`${format}: ${number(cases)} cases in ${number(seconds)} s of a processor, ${what}`);
  if (fault) console.log(`${format}: ${fault.path}: ${fault.message}`);
}

/** The lines of every reader, by file. */
function reportLines() {
  const files = linesOf([...new Set(results.flatMap(({ reader = [] }) => reader))].sort());
  for (const one of files) {
    const share = (100 * one.reached) / one.lines;
    const missed = one.missed.length > 0 ? `; not ${one.missed.join(", ")}` : "";
    console.log(`${share < GOAL ? "!" : " "} ${share.toFixed(1)} % of ${one.path}${missed}`);
  }
  console.log(
    `${((100 * total(files, "reached")) / total(files, "lines")).toFixed(1)} % of the lines of all readers`,
  );
}

const read = () => (existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, "utf8")) : []);

/** The table of what was recorded, in the README. */
async function writeTable() {
  const rows = read().map(
    ({ format, cases, crashes, slowest, memory, lines }) =>
      `| ${format} | ${number(cases)} | ${crashes} | ${number(slowest)} ms | ${number(memory / 1e6)} MB | ${lines.toFixed(1)} % |`,
  );
  const head =
    "| format | cases | crashes | slowest | most memory | lines reached |\n| - | -: | -: | -: | -: | -: |";
  const text = readFileSync(README, "utf8").replace(
    /(<!-- fuzz -->\n)[\s\S]*(<!-- \/fuzz -->)/,
    (_, begin, end) => `${begin}\n${head}\n${rows.join("\n")}\n\n${end}`,
  );
  writeFileSync(README, await pretty(text, { parser: "markdown", printWidth: 110 }));
}

if (values.table) {
  await writeTable();
  process.exit();
}
console.log(`seed ${seed}`);
const left = [...values.format];
const results = [];
const work = async () => {
  for (let format = left.shift(); format !== undefined; format = left.shift()) {
    const result = await search(format);
    results.push(result);
    report(result);
  }
};
await Promise.all(Array.from({ length: jobs }, work));
if (values.lines) reportLines();
if (values.record) {
  const others = read().filter(({ format }) => !values.format.includes(format));
  const all = [...others, ...results.map(recorded)].sort(
    (a, b) => formats.indexOf(a.format) - formats.indexOf(b.format),
  );
  writeFileSync(RESULTS, `${JSON.stringify(all, undefined, 2)}\n`);
}
process.exitCode = results.some(({ fault }) => fault) ? 1 : 0;
