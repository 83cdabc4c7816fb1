/**
 * `npm run bench:small -w benchmarks`: random weights in GPT-2 small's shapes (500 MB) through inspect, remove, export
 * and reload, with the seconds and the peak memory of each. It takes some minutes, 6 GB of memory and 5 GB of disk.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { Command, Option } from "@commander-js/extra-typings";
import { presets } from "@normless/gpt2";
import { outputFile, threadCount } from "../harness/options.js";
import { makeFolder, runStages } from "./stages.js";
import { smallTable } from "./text.js";

const { json, threads, make } = new Command("bench:small")
  .description(
    "Takes a model of GPT-2 small's shapes through every command; some minutes, 6 GB of memory, 5 GB of disk",
  )
  .option("--json <file>", "write the results", outputFile)
  .option("--threads <n>", "threads of the engine", threadCount, Math.min(2, availableParallelism()))
  // The first stage, in a process of its own.
  .addOption(new Option("--make <folder>").hideHelp())
  .parse()
  .opts();

if (make !== undefined) await makeFolder(make, presets.small);
else {
  const root = await mkdtemp(join(tmpdir(), "normless-small-"));
  try {
    const say = (text: string) => process.stderr.write(`${text} …\n`);
    const results = await runStages({ root, threads, say });
    const machine = {
      cpu: cpus()[0].model.trim(),
      cores: cpus().length,
      memoryBytes: totalmem(),
      node: process.version.slice(1),
      threads,
    };
    console.log(smallTable(results, machine));
    if (json !== undefined) {
      await writeFile(
        json,
        `${JSON.stringify({ machine, ...results }, undefined, 2)}
`,
      );
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
