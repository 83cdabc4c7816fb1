/** `normless remove`: its options, and whether a run begins or goes on. */
import { command } from "../options/command.js";
import { addTrainingEngine } from "../options/engine-options.js";
import { modelOption, outOption, promptOption } from "../options/options.js";
import {
  addRemovalFields,
  addTrainingFields,
  recipeOption,
  recipeSeedOption,
} from "../options/recipe-options.js";
import { addCorpus, addRun } from "../options/run-options.js";
import { beginRemoval } from "../remove/begin.js";
import { type Tell, telling } from "../remove/ending.js";
import { PROMPT, REMOVAL_CHANGES, type RemoveOptions } from "../remove/options.js";
import { resumeRemoval } from "../remove/resume.js";
import { goOn } from "../run-folder/go-on.js";
import type { Io } from "../terminal/io.js";

export function removeCommand(io: Io, done: (code: number) => void) {
  const own = command("remove", "Fine-tune a GPT-2 until it has no LayerNorm", [
    "",
    "--dry-run",
    "--model gpt2 --train train.bin --validation val.bin --recipe recipe.json --out runs/gpt2",
    "--resume runs/gpt2",
    "--resume runs/gpt2 --checkpoint 300 --gap-factor 2",
  ])
    .addOption(modelOption())
    .addOption(recipeOption("distilled"))
    .addOption(outOption("runs/<recipe>-<time>"))
    .addOption(promptOption(JSON.stringify(PROMPT)));
  const run = addTrainingEngine(addRun(addCorpus(own, "the model's"), REMOVAL_CHANGES));
  return addRemovalFields(addTrainingFields(run))
    .addOption(recipeSeedOption)
    .action(async (options) => done(await remove(io, options)));
}

/** The exit code. */
export async function remove(io: Io, options: RemoveOptions, tell: Tell = telling(io)): Promise<number> {
  const { resume: folder } = options;
  if (folder === undefined) return beginRemoval(io, options, tell);
  const changes = REMOVAL_CHANGES;
  return goOn(io, { folder, options, changes }, (wanted) => resumeRemoval(io, wanted, folder, tell));
}
