/**
 * `npm run bench:small -w benchmarks`: random weights in GPT-2 small's shapes (500 MB) through inspect, remove, export
 * and reload, with the seconds and the peak memory of each. It takes some minutes, 4 GB of memory and 5 GB of disk.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { presets } from "@normless/gpt2";
import { makeFolder, runStages } from "./stages.js";
import { smallTable } from "./text.js";

const { values } = parseArgs({
  options: {
    json: { type: "string" },
    threads: { type: "string", default: String(Math.min(2, availableParallelism())) },
    /** The first stage, in a process of its own. */
    make: { type: "string" },
  },
});

if (values.make !== undefined) await makeFolder(values.make, presets.small);
else {
  const threads = Number(values.threads);
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
    // Files are named from where npm was called, not from this package.
    if (values.json !== undefined) {
      const path = resolve(process.env["INIT_CWD"] ?? ".", values.json);
      await writeFile(path, `${JSON.stringify({ machine, ...results }, undefined, 2)}\n`);
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
