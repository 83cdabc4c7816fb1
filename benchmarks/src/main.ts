/** `npm run bench` and `npm run bench:peers`: runs the suites, prints tables, and writes JSON and the page. */
import { writeFile } from "node:fs/promises";
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import { Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import Terminal from "cli-table3";
import type { Context } from "./harness/context.js";
import { usableEngines } from "./harness/engines.js";
import { checkApart, outputFile, threadCount } from "./harness/options.js";
import { renderPage } from "./page/page.js";
import { loadOpPeers, loadPeers } from "./peers/index.js";
import {
  type PeerName,
  peerNames,
  type Results,
  type Row,
  showContender,
  type SuiteName,
  suiteNames,
} from "./results/results.js";
import { ModelFolders } from "./steps/models.js";
import { checkCases, listCases, suites } from "./suites/index.js";
import { figure, goalTable, machineLine, QUICK, suiteTable, type Table } from "./results/text.js";

/** Minutes and gigabytes: quick runs take them only by name. */
const HEAVY = new Set(["lm_head", "small", "small_1x256", "small_1x1024", "save", "load"]);

/** So do these suites, of which the second installs its peers. */
const byName: readonly SuiteName[] = ["removal", "primitives"];

function listOf<X extends string>(allowed: readonly X[]) {
  return (text: string): X[] =>
    (text === "all" ? allowed : text.split(",")).map((name) => {
      const found = allowed.find((one) => one === name);
      if (!found) throw new InvalidArgumentError(`${name} is none of ${allowed.join(", ")}.`);
      return found;
    });
}

const program = new Command("bench")
  .description("Measures the engines, in turns with their peers, after checking every result")
  .addOption(
    new Option(
      "--suite <names>",
      `all, or of ${suiteNames.join(", ")} (default: all but ${byName.join(" and ")}, which take minutes)`,
    ).argParser(listOf(suiteNames)),
  )
  .option("--case <names>", "only these cases, such as mlp_in,small_1x1024", (text) => text.split(","))
  .addOption(
    new Option("--peers [names]", `of ${peerNames.join(", ")} (default: all)`).argParser(listOf(peerNames)),
  )
  .option(
    "--threads <n>",
    "threads of the engines and of the peers that have a choice",
    threadCount,
    Math.min(2, availableParallelism()),
  )
  .option("--quick", "few rounds, small cases: to see that it works")
  .option("--json <file>", "write the results", outputFile)
  .option("--html <file>", "write them as a page with charts", outputFile)
  .addHelpText("after", `\nCases, by suite:\n${listCases(suiteNames)}`)
  .parse();

function show({ title, note, head, rows }: Table): string {
  const table = new Terminal({ head: [...head], style: { head: [], border: [], compact: true } });
  for (const row of rows) table.push([...row]);
  return `\n${title}\n${note}\n${table.toString()}\n`;
}

async function measure(names: readonly SuiteName[]): Promise<Results> {
  const options = program.opts();
  const [loadBefore] = loadavg();
  const quick = options.quick ?? false;
  const say = (text: string) => process.stderr.write(`${text}\n`);
  const asked: readonly PeerName[] = options.peers === true ? peerNames : (options.peers ?? []);
  const peers = await loadPeers(asked, options.threads, say);
  // Without its peers the suite says little, so that it loads them where none were named.
  const opPeers = names.includes("primitives")
    ? await loadOpPeers(options.peers === undefined ? peerNames : asked, say)
    : [];
  const models = await ModelFolders.create();
  const rows: Row[] = [];
  const engines = await usableEngines(options.threads, say);
  const descriptions = Object.fromEntries(
    [...engines, ...peers, ...opPeers].map(({ name, description }) => [name, description]),
  );
  const context: Context = {
    engines,
    threads: options.threads,
    quick,
    productPeers: peers,
    opPeers,
    models,
    say,
    wants: (...names) =>
      names.some((name) => options.case?.includes(name)) ||
      (!options.case && !(quick && names.some((name) => HEAVY.has(name)))),
    record(row) {
      rows.push(row);
      say(`${row.suite} ${row.case}, ${showContender(row)}: ${figure(row.value)} ${row.unit}`);
    },
  };
  try {
    for (const name of names) await suites[name].run(context);
  } finally {
    for (const peer of peers) await peer.end();
    await models.end();
  }
  const machine = {
    cpu: cpus()[0].model.trim(),
    cores: cpus().length,
    memoryBytes: totalmem(),
    node: process.version.slice(1),
    loadBefore,
  };
  return { quick, machine, descriptions, rows };
}

const { suite, case: cases = [], json, html, quick } = program.opts();
const asked = suite ?? suiteNames.filter((name) => !byName.includes(name));
try {
  checkApart({ "--json": json, "--html": html });
  checkCases(cases, asked);
} catch (error) {
  program.error(`error: ${error instanceof Error ? error.message : String(error)}`);
}
const results = await measure(asked);
if (results.rows.length === 0) program.error("error: nothing was measured");
console.log(`\n${machineLine(results)}\nMedians, in turns.${quick ? ` ${QUICK}` : ""}`);
for (const name of suiteNames) {
  const table = suiteTable(results, name);
  if (table) console.log(show(table));
}
console.log(show(goalTable(results)));
if (json !== undefined) await writeFile(json, `${JSON.stringify(results, null, 2)}\n`);
if (html !== undefined) await writeFile(html, renderPage(results));
