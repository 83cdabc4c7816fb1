/** `normless remove`: the options, what they resolve to, and what is said at the end. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parameterCount } from "@normless/gpt2";
import { removeKind } from "../checkpoint.js";
import { type CorpusFiles, corpusFiles, type FilesRead, readBoth } from "../corpus.js";
import { survivingDeviceLoss } from "../device-loss.js";
import { type EngineOptions, withEngine } from "../engine.js";
import { EXIT } from "../errors.js";
import { duration } from "../format.js";
import { findModel } from "../hub.js";
import type { Io } from "../io.js";
import * as shared from "../options.js";
import { sayOtherSources, withOptionsFile } from "../options-file.js";
import { inputsOf } from "../outputs.js";
import { beginProvenance, resumedProvenance } from "../provenance/begin.js";
import { lastingName } from "../provenance/sources.js";
import { sayScaled } from "../recipes.js";
import { loadWithNorms, type RemovalOptions, resolveRemoval, suitsOf } from "../removal-input.js";
import { type Removed, type RemoveJob, runRemove } from "../remove-job.js";
import {
  checkResumeOptions,
  checkSameCorpus,
  corpusConfig,
  readRunConfig,
  type RemoveConfig,
  removeConfigSchema,
  resumedEngine,
  resumedManner,
} from "../run-config.js";
import {
  checkNewFolder,
  checkOldFolder,
  CONTROL,
  LN_FREE,
  newRunPath,
  PARTLY,
  REPORT,
  STOCK,
} from "../run-files.js";
import {
  explainFailure,
  newestCheckpoint,
  newestCheckpointName,
  resumeCommand,
  RunFolder,
} from "../run-folder.js";
import { lockedRun } from "../run-lock.js";
import { removeOptionsSchema } from "../schemas.js";
import { shippedModel } from "../shipped.js";
import { planText, resultTable } from "../tables.js";
import { removalRecipes, removeLayerNorm, type Summary } from "../../core/index.js";

export interface RemoveOptions extends RemovalOptions, EngineOptions, Partial<CorpusFiles> {
  readonly recompute?: boolean | undefined;
  readonly tensorboard?: boolean | undefined;
  readonly model?: string | undefined;
  readonly corpus?: string | undefined;
  readonly prompt?: string | undefined;
  readonly out?: string | undefined;
  readonly config?: string | undefined;
  readonly resume?: string | undefined;
  readonly dryRun?: boolean | undefined;
  readonly force?: boolean | undefined;
}

const PROMPT = "The people of the United States";
const ALLOWED_ON_RESUME = [
  "model",
  "train",
  "validation",
  "backend",
  "blasLibrary",
  "threads",
  "simd",
  "recompute",
  "tensorboard",
];

export function removeCommand(io: Io, done: (code: number) => void) {
  return shared
    .command("remove", "Fine-tune a GPT-2 until it has no LayerNorm", [
      "",
      "--dry-run",
      "--model gpt2 --train train.bin --validation val.bin --recipe recipe.json --out runs/gpt2",
      "--resume runs/gpt2",
    ])
    .addOption(shared.modelOption)
    .option("--corpus <dir>", "folder with the tokens, train.bin.gz and val.bin.gz (default: the model's)")
    .addOption(shared.trainOption)
    .addOption(shared.validationOption)
    .addOption(shared.textColumnOption())
    .addOption(shared.tokenColumnOption())
    .addOption(shared.trainTokensOption)
    .option(
      "--recipe <name|file.json>",
      "a recipe's name (normless recipes lists them), or a file of fields over one (default: distilled)",
    )
    .option("--out <dir>", "the run folder (default: runs/<recipe>-<time>)")
    .option("--prompt <text>", `what samples start with (default: "${PROMPT}")`)
    .option("--config <file.json>", "these options from a file, by their names; the command line wins")
    .option("--resume <dir>", "go on with the run in this folder; it ends with the same bits")
    .option("--dry-run", "show the plan and end")
    .option("--force", "give up the run that is in the run folder")
    .addOption(shared.backendOption)
    .addOption(shared.blasLibraryOption)
    .addOption(shared.threadsOption)
    .addOption(shared.simdOption)
    .addOption(shared.recomputeOption)
    .addOption(shared.tensorboardOption)
    .addOption(shared.stepsOption)
    .addOption(shared.batchSizeOption)
    .addOption(shared.microBatchSizeOption)
    .addOption(shared.blockSizeOption)
    .addOption(shared.eotShareOption)
    .addOption(shared.shortShareOption)
    .addOption(shared.learningRateOption)
    .addOption(shared.scaleLearningRateOption)
    .addOption(shared.auxiliaryWeightOption)
    .addOption(shared.sitesOption)
    .addOption(shared.sharedQkvStdOption)
    .addOption(shared.bugCompatibleOption)
    .addOption(shared.seedOption)
    .addOption(shared.validationTokensOption)
    .addOption(shared.checkpointEveryOption)
    .action(async (options) => done(await remove(io, options)));
}

/** The exit code. */
export async function remove(io: Io, options: RemoveOptions, tell: Tell = telling(io)): Promise<number> {
  const { resume: folder } = options;
  if (folder === undefined) return startRun(io, options, tell);
  const again = () => lockedRun(folder, () => resumeRun(io, options, folder, tell));
  return survivingDeviceLoss(io, { start: again, resume: again, newest: () => newestCheckpointName(folder) });
}

async function startRun(io: Io, commandLine: RemoveOptions, tell: Tell): Promise<number> {
  const { options, provenance: before } = await withOptionsFile(commandLine, removeOptionsSchema);
  const { force = false } = options;
  const where = commandLine.recipe === undefined ? commandLine.config : undefined;
  const resolved = await resolveRemoval(options, where);
  const out = options.out ?? newRunPath(resolved.name, io.now());
  const asked = options.model ?? shippedModel();
  const inputs = inputsOf({ ...options, model: asked });
  const place = await checkNewFolder(out, { command: "remove", force, inputs });

  const found = await findModel(io, asked);
  const { folder: modelFolder } = found;
  const files = corpusFiles(options, options.corpus ?? modelFolder);
  const model = await loadWithNorms(found);
  const read: FilesRead = { train: [], validation: [] };
  const { recipe, notes } = resolved.on(model);
  tell.scaled(resolved.name, notes);
  const corpus = await readBoth(files, suitsOf(io, model), recipe, read);
  resolved.check(model, corpus);
  const prompt = options.prompt ?? PROMPT;
  const start = () =>
    withEngine(io, options, async ({ backend, used }) => {
      const { recompute, tensorboard } = options;
      const input = { backend, model, corpus, recipe, prompt, recompute, tensorboard };
      if (options.dryRun) return showPlan(io, input);
      const openFolder = async () => {
        const origin = { command: "remove", options, modelFolder, recipe, builtIn: removalRecipes } as const;
        const facts = { backend, engine: used, now: io.now(), eot: model.config.eot, corpus, read };
        const provenance = await beginProvenance({ ...origin, ...facts });
        sayOtherSources(io, commandLine, before, provenance);
        const config: RemoveConfig = {
          command: "remove",
          model: lastingName(asked, modelFolder),
          ...corpusConfig(files),
          prompt,
          ...used,
          recompute,
          tensorboard,
          recipe,
          provenance,
        };
        return RunFolder.create(io, place, removeKind, config);
      };
      const job = { ...input, openFolder };
      return lockedRun(out, () => finish(io, out, job, tell), { make: true });
    });
  // Threads are the machine's; everything else is in the run folder.
  const { threads } = options;
  const resume = () => lockedRun(out, () => resumeRun(io, { threads }, out, tell));
  return survivingDeviceLoss(io, { start, resume, newest: () => newestCheckpointName(out) });
}

/** To be called with the folder locked: another process would write newer checkpoints than the one that is read. */
async function resumeRun(io: Io, options: RemoveOptions, out: string, tell: Tell): Promise<number> {
  checkResumeOptions(options, ALLOWED_ON_RESUME);
  const checkpoint = await newestCheckpoint(io, out, removeKind);
  const config = await readRunConfig(out, removeConfigSchema);
  const { model: asked = config.model } = options;
  const { train = config.train, validation = config.validation } = options;
  const inputs = inputsOf({ ...options, model: asked, train, validation });
  const path = await checkOldFolder(out, "remove", inputs);
  const model = await loadWithNorms(await findModel(io, asked));
  const corpus = await readBoth({ ...config, train, validation }, suitsOf(io, model), config.recipe);
  checkSameCorpus(corpus, out, config.provenance);
  const manner = resumedManner(options, config);
  return withEngine(io, resumedEngine(options, config), ({ backend }) => {
    const job = {
      backend,
      model,
      corpus,
      recipe: config.recipe,
      prompt: config.prompt,
      ...manner,
      resume: checkpoint.state,
      openFolder: async () => {
        const provenance = await resumedProvenance(config.provenance, { backend, now: io.now() });
        return RunFolder.reopen(path, removeKind, checkpoint, { ...config, ...manner, provenance });
      },
    };
    return finish(io, out, job, tell);
  });
}

async function showPlan(io: Io, input: Omit<RemoveJob, "openFolder">): Promise<number> {
  const events = removeLayerNorm(input);
  const { value } = await events.next();
  await events.return();
  if (value?.type === "plan") {
    const { model, recompute = false } = input;
    io.out(await planText(io, value, { parameters: parameterCount(model.weights), recompute }));
  }
  return EXIT.ok;
}

/** How it is told what a run's recipe was changed to, and how the run ended. */
export interface Tell {
  scaled(name: string, notes: readonly string[]): void;
  stopped(out: string): void;
  ended(out: string, removed: Removed): void;
}

/** Runs the job; the exit code. */
async function finish(io: Io, out: string, job: RemoveJob, tell: Tell): Promise<number> {
  const removed = await runRemove(io, job).catch((error: unknown) => explainFailure(error, "remove", out));
  if (!removed) {
    tell.stopped(out);
    return EXIT.interrupted;
  }
  tell.ended(out, removed);
  return EXIT.ok;
}

function telling(io: Io): Tell {
  return {
    scaled: (name, notes) => sayScaled(io, name, notes),
    stopped: (out) =>
      io.err(`stopped; a checkpoint is saved. To go on:\n  ${resumeCommand("remove", out)}\n`),
    ended: (out, { plan, summary }) =>
      io.out(`\n${resultTable(io, summary, plan.sites)}\n${written(io, out, summary)}`),
  };
}

function written(io: Io, out: string, summary: Summary): string {
  const files = [
    [REPORT, "the whole run on one page: open it in a browser"],
    [`${LN_FREE}/`, "the LN-free model, its norms folded into plain weights"],
    [`${PARTLY}/`, "the model, with what went folded into the weights and the other LayerNorms in place"],
    [`${STOCK}/`, "the same for stock software: GPT2LMHeadModel.from_pretrained loads it"],
    [`${CONTROL}/`, "the control, with its LayerNorms"],
    ["summary.json", "the numbers above; metrics.jsonl has every step, config.json how to repeat it"],
  ];
  const there = files.filter(([name]) => existsSync(join(out, name)));
  const lines = there.map(([name, what]) => `  ${io.colors.bold(join(out, name))}  ${what}\n`);
  return `Wrote, in ${duration(summary.seconds)}:\n${lines.join("")}`;
}
