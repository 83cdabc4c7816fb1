/** `normless prompts`: a file of prompts with right and wrong answers, out of a template. */
import { Argument, Option } from "@commander-js/extra-typings";
import { withFiles } from "../engine/device.js";
import { asking, needTokenizer } from "../look-inside/asked.js";
import { promptLines, PROMPTS } from "../look-inside/prompt-file.js";
import { promptPairs, type Task, tasks } from "../look-inside/templates.js";
import { shippedModel } from "../models/shipped.js";
import { countArguments } from "../options/arguments.js";
import { command } from "../options/command.js";
import * as shared from "../options/options.js";
import { inputsOf } from "../options/outputs.js";
import { seedOption } from "../options/recipe-options.js";
import { checkResults, writeResult } from "../run-folder/result-file.js";
import type { Io } from "../terminal/io.js";
import { table } from "../terminal/table.js";

export interface PromptsOptions {
  readonly model?: string | undefined;
  readonly count?: number | undefined;
  readonly seed?: number | undefined;
  readonly jsonl?: string | undefined;
}

/** Shown in the terminal. */
const SHOWN = 8;

const WHAT = `
  ioi           indirect objects: When Mary and John went to work, John gave a book to → Mary (Wang et al. 2022)
  greater-than  The war lasted from the year 1732 to the year 17 → 40 rather than 24 (Hanna et al. 2023)
  agreement     The reports of the friend → are rather than is (Linzen et al. 2016)

A line is {"clean": …, "corrupted": …, "answer": …, "wrong": …}. The corrupted prompt has one word changed, so that the answer is the
wrong one (from 1701, neither). Words that are filled in are each one token of the model's tokenizer, and all prompts are of one length.
patch and attribute take the file, and a task by its name.`;

export function promptsCommand(io: Io) {
  return command("prompts", "Prompts with right and wrong answers for a known task, out of a template", [
    "ioi --jsonl ioi.jsonl",
    "agreement --model gpt2 --count 64 --seed 1 --jsonl agreement.jsonl",
  ])
    .addArgument(new Argument("<task>", "the task, see below").choices(tasks))
    .addOption(shared.modelOption())
    .addOption(new Option("--count <n>", `prompts (default: ${PROMPTS})`).argParser(countArguments.count))
    .addOption(seedOption(0))
    .option("--jsonl <file>", "the prompts, into this file")
    .addHelpText("after", WHAT)
    .action((task, options) => writePrompts(io, task, options));
}

export async function writePrompts(io: Io, task: Task, options: PromptsOptions): Promise<void> {
  const { model = shippedModel(), count = PROMPTS, seed = 0 } = options;
  const { "--jsonl": path } = await checkResults(
    { "--jsonl": options.jsonl },
    inputsOf({ ...options, model }),
  );
  await withFiles(io, model, async ({ name, loaded }) => {
    const tokenizer = needTokenizer(name, loaded);
    const pairs = await asking(() => promptPairs(task, (text) => tokenizer.encode(text), { count, seed }));
    const rows = pairs
      .slice(0, SHOWN)
      .map(({ clean, corrupted, answer, wrong }) => [
        clean,
        corrupted,
        JSON.stringify(answer),
        JSON.stringify(wrong),
      ]);
    const left = pairs.length - rows.length;
    io.out(table(io, ["clean", "corrupted", "answer", "wrong"], rows, 4));
    if (left > 0) io.out(`and ${left} more\n`);
    if (path !== undefined) await writeResult(io, path, promptLines(pairs), `${pairs.length} prompts`);
  });
}
