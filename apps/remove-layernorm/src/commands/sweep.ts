/** `normless sweep`: every recipe on every model with several seeds, run after run, and what they come to. */
import { join } from "node:path";
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { countArguments } from "../options/arguments.js";
import { MOST } from "../options/most.js";
import { withDataFiles } from "../data/data-files.js";
import type { EngineOptions } from "../engine/engine.js";
import { UsageError } from "../errors.js";
import type { Io } from "../terminal/io.js";
import { optionWords } from "../options/option-words.js";
import { command } from "../options/command.js";
import { addTrainingEngine } from "../options/engine-options.js";
import { modelsOption, outOption, promptOption, SHIPPED } from "../options/options.js";
import { addRemovalFields, addTrainingFields, recipesOption } from "../options/recipe-options.js";
import { addCorpus, tensorboardOption } from "../options/run-options.js";
import { PROMPT } from "../remove/options.js";
import { checkOutputFolder, inputsOf } from "../options/outputs.js";
import { listFolder } from "../run-folder/run-files.js";
import { lockedRun } from "../run-folder/run-lock.js";
import { shippedModel } from "../models/shipped.js";
import { normlessCommand } from "../shell.js";
import { type ArmOptions, resolveArms } from "../sweep/arms.js";
import { readRecord, SWEEP_FILES, SWEEP_JSON } from "../sweep/record.js";
import { checkSameSweep } from "../sweep/same-sweep.js";
import { type Seeds, Sweep } from "../sweep/sweep.js";
import { isStandardInput } from "@normless/data";
import { removalRecipes } from "@normless/removal";

export interface SweepOptions extends ArmOptions, EngineOptions {
  readonly model?: readonly string[] | undefined;
  readonly recipe?: readonly string[] | undefined;
  readonly seeds?: Seeds | undefined;
  readonly prompt?: string | undefined;
  readonly recompute?: boolean | undefined;
  readonly tensorboard?: boolean | undefined;
  readonly out?: string | undefined;
}

export function sweepCommand(io: Io, done: (code: number) => void) {
  const own = command("sweep", "Remove LayerNorm by several recipes with several seeds, and compare them", [
    "--recipe distilled,baroni-2025-small --seeds 3 --out runs/compared",
    "--model gpt2,gpt2-medium --train train.bin --validation val.bin --recipe distilled --seeds 1337,1338",
  ])
    .addOption(modelsOption(SHIPPED))
    .addOption(recipesOption("distilled"))
    .option(
      "--seeds <n|list>",
      "how many, from the recipe's own on, or which, with commas (default: 3)",
      seedsArgument,
    )
    .addOption(outOption("runs/sweep-<time>, with the folder of each run in it"))
    .addOption(promptOption(JSON.stringify(PROMPT)));
  const run = addTrainingEngine(addCorpus(own, "each model's").addOption(tensorboardOption));
  return addRemovalFields(addTrainingFields(run)).action(async (options) => done(await sweep(io, options)));
}

/** `3`, or `1337,1338`; a comma makes a list of one seed, too. */
function seedsArgument(text: string): Seeds {
  const parts = text.split(",").filter((part) => part.trim() !== "");
  const seeds = parts.map(Number);
  if (parts.length === 0 || !seeds.every(Number.isSafeInteger)) {
    throw new InvalidArgumentError("Expected how many, such as 3, or whole numbers with commas.");
  }
  if (text.includes(",")) return { list: [...new Set(seeds)], text };
  const [howMany] = seeds;
  if (howMany > MOST.seeds) {
    throw new InvalidArgumentError(
      `${text} is how many seeds there are to be, ${MOST.seeds} at most. For the one seed ${text}: --seeds ${text},`,
    );
  }
  return { count: countArguments.seeds(text), text };
}

/** The exit code: that of a failure where any run of those asked for did not come to its end. */
export async function sweep(io: Io, commandLine: SweepOptions): Promise<number> {
  checkReadAgain(commandLine);
  const options = await withDataFiles(io, commandLine);
  const { model: models = [], recipe: recipes = [], seeds = { count: 3, text: "3" }, ...others } = options;
  const out = options.out ?? join("runs", `sweep-${stamp(io.now())}`);
  const asked = {
    models: models.length > 0 ? [...new Set(models)] : [shippedModel()],
    recipes: recipes.length > 0 ? [...new Set(recipes)] : Object.keys(removalRecipes).slice(0, 1),
  };
  const inputs = inputsOf({ ...others, model: asked.models, recipe: undefined });
  const files = { "--recipe": asked.recipes.filter((recipe) => recipe.endsWith(".json")) };
  const place = await checkOutputFolder(
    { option: "--out", path: out, names: SWEEP_FILES },
    { ...inputs, ...files },
  );
  await checkFolder(out);
  const again = normlessCommand(["sweep", ...optionWords({ ...commandLine, seeds: seeds.text, out })]);
  return lockedRun(
    out,
    async () => {
      const there = await readRecord(out);
      const arms = await resolveArms(io, asked, others, there?.arms ?? []);
      const { prompt, backend, simd, blasLibrary } = options;
      const manner = { prompt, backend, simd, blasLibrary };
      if (there) checkSameSweep(out, there, { arms: arms.map(({ arm }) => arm), manner });
      const { out: _out, ...forRuns } = others;
      const job = new Sweep(io, { out: place, arms, seeds, manner, options: forRuns, command: again, there });
      return job.run();
    },
    { make: true },
  );
}

/** `2026-01-31-09-05-00`, in UTC. */
const stamp = (now: Date) => now.toISOString().slice(0, 19).replace(/[T:]/g, "-");

/** @throws UsageError when the data can be read but once */
function checkReadAgain({ train = [], validation = [] }: SweepOptions): void {
  if (![...train, ...validation].some(isStandardInput)) return;
  throw new UsageError(
    "each run of a sweep reads its data anew, and standard input can be read once; give a file in its place",
  );
}

/** @throws UsageError when there is something in the folder that is no sweep */
async function checkFolder(out: string): Promise<void> {
  const there = await listFolder(out);
  if (there.length === 0 || there.includes(SWEEP_JSON)) return;
  throw new UsageError(
    `the folder ${out} is not empty and holds no sweep (it has no ${SWEEP_JSON}); choose another folder: --out DIR`,
  );
}
