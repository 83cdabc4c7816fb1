/**
 * `npm run bench:memory -w benchmarks`: random weights of a preset's size on disk through every command that looks at a
 * model or exports it, with the most memory that each process held, beside the size of the weights.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, Option } from "@commander-js/extra-typings";
import { type PresetName, presets } from "@normless/gpt2";
import { built } from "../harness/process-peak.js";
import { outputFile } from "../harness/options.js";
import { makeModel } from "./folder.js";
import { memoryStages, stageNames } from "./stages.js";
import { memoryTable } from "./text.js";

const { preset, only, folder, json, args } = new Command("bench:memory")
  .description("The most memory that each command holds, beside the size of the model's weights")
  .addOption(
    new Option("--preset <name>", "the model's size").choices(Object.keys(presets)).default("medium"),
  )
  .addOption(new Option("--only <stages...>", "these commands alone").choices(stageNames))
  .option("--folder <dir>", "where to write models (twice the weights; default: the system's temporary one)")
  .option("--json <file>", "write the results", outputFile)
  .option("--args <args...>", "arguments of every command, such as --threads=2", ["--threads=2"])
  .parse()
  .opts();

const root = await mkdtemp(join(folder ?? tmpdir(), "normless-memory-"));
try {
  const say = (name: string) => process.stderr.write(`${name}\n`);
  say(`make a model of ${preset}'s size …`);
  const weightBytes = await makeModel(root, presets[preset as PresetName], built("../../models/sotu"));
  const stages = await memoryStages(root, { only, more: args, say });
  console.log(memoryTable(stages, weightBytes));
  if (json !== undefined) {
    await writeFile(json, `${JSON.stringify({ preset, weightBytes, stages }, undefined, 2)}\n`);
  }
} finally {
  await rm(root, { recursive: true, force: true });
}
