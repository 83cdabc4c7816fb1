/** `normless remove`: the options, what they resolve to, and what is said at the end. */
import { validationLoss } from "@normless/evaluate";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parameterCount, untieHead } from "@normless/gpt2";
import { removeKind } from "../run-folder/checkpoint.js";
import { type CorpusFiles, corpusFiles, type FilesRead, readBoth } from "../data/corpus.js";
import { withDataFiles } from "../data/data-files.js";
import { survivingDeviceLoss } from "../engine/device-loss.js";
import { type EngineOptions, withEngine } from "../engine/engine.js";
import { removalDisk } from "../run-folder/disk-use.js";
import { divergenceAdvice } from "../run-folder/divergence-advice.js";
import { checkAsked, EXIT, UsageError, within } from "../errors.js";
import { estimateRows } from "../terminal/estimate-text.js";
import { duration } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { keptTokens, resumedFiles } from "../run-folder/kept-input.js";
import * as shared from "../options/options.js";
import { sayOtherSources, withOptionsFile } from "../options/options-file.js";
import { inputsOf } from "../options/outputs.js";
import { beginProvenance, resumedProvenance } from "../provenance/begin.js";
import { lastingName } from "../provenance/sources.js";
import { sayScaled } from "../remove/recipes.js";
import {
  loadWithNorms,
  plannedModel,
  type RemovalOptions,
  resolveRemoval,
  suitsOf,
} from "../remove/removal-input.js";
import { type Removed, type RemoveJob, runRemove, workOf } from "../remove/remove-job.js";
import { changeWords, withoutChanges } from "../options/resume-changes.js";
import {
  checkResumeOptions,
  checkSameCorpus,
  corpusConfig,
  readRunConfig,
  type RemoveConfig,
  removeConfigSchema,
  resumedEngine,
  resumedManner,
} from "../run-folder/run-config.js";
import {
  checkNewFolder,
  checkOldFolder,
  CONFIG,
  CONTROL,
  LN_FREE,
  newRunPath,
  PARTLY,
  REPORT,
  STOCK,
} from "../run-folder/run-files.js";
import {
  explainFailure,
  newestCheckpoint,
  newestCheckpointName,
  resumeCommand,
  RunFolder,
} from "../run-folder/run-folder.js";
import { lockedRun } from "../run-folder/run-lock.js";
import { removeOptionsSchema } from "../json/schemas.js";
import { findModel } from "../models/hub.js";
import { shippedModel } from "../models/shipped.js";
import { planText, resultTable } from "../terminal/tables.js";
import {
  changeRemoval,
  checkPlan,
  describeFirstPosition,
  firstPositionOf,
  forwardTokens,
  removalChanges,
  removalRecipes,
  removeLayerNorm,
  sinkWarning,
  type Summary,
  measureStds,
} from "@normless/removal";

export interface RemoveOptions extends RemovalOptions, EngineOptions, Partial<CorpusFiles> {
  readonly recompute?: boolean | undefined;
  readonly tensorboard?: boolean | undefined;
  readonly model?: string | undefined;
  readonly corpus?: string | undefined;
  readonly prompt?: string | undefined;
  readonly out?: string | undefined;
  readonly config?: string | undefined;
  readonly resume?: string | undefined;
  readonly checkpoint?: number | undefined;
  readonly dryRun?: boolean | undefined;
  readonly force?: boolean | undefined;
}

const PROMPT = "The people of the United States";
/** What may change while a run goes on. */
const CHANGES = ["steps", "learningRate", "auxiliaryWeight", "gapFactor", "checkpointEvery"] as const;
const ALLOWED_ON_RESUME = [
  ...CHANGES,
  "checkpoint",
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
      "--resume runs/gpt2 --checkpoint 300 --gap-factor 2",
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
    .option(
      "--resume <dir>",
      "go on with the run in this folder; it ends with the same bits, or with --learning-rate, --gap-factor, " +
        "--auxiliary-weight or --steps otherwise from there on",
    )
    .addOption(shared.checkpointOption)
    .option(
      "--dry-run",
      "show the plan and what it will take (an update is timed for that), write nothing and end",
    )
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
    .addOption(shared.gapFactorOption)
    .addOption(shared.sitesOption)
    .addOption(shared.looksOption)
    .addOption(shared.sharedQkvStdOption)
    .addOption(shared.bugCompatibleOption)
    .addOption(shared.seedOption)
    .addOption(shared.validationTokensOption)
    .addOption(shared.checkpointEveryOption)
    .action(async (options) => done(await remove(io, options)));
}

/** The exit code. */
export async function remove(io: Io, asked: RemoveOptions, tell: Tell = telling(io)): Promise<number> {
  const { resume: folder } = asked;
  if (folder === undefined) return startRun(io, asked, tell);
  const options = await withDataFiles(io, asked);
  const again = (wanted: RemoveOptions) => () => lockedRun(folder, () => resumeRun(io, wanted, folder, tell));
  return survivingDeviceLoss(io, {
    start: again(options),
    resume: again(withoutChanges(options, CHANGES)),
    newest: () => newestCheckpointName(folder),
  });
}

async function startRun(io: Io, commandLine: RemoveOptions, tell: Tell): Promise<number> {
  if (commandLine.checkpoint !== undefined) throw new UsageError("--checkpoint goes with --resume DIR");
  const { options: all, provenance: before } = await withOptionsFile(commandLine, removeOptionsSchema);
  const options = await withDataFiles(io, all);
  const { force = false } = options;
  const where = commandLine.recipe === undefined ? commandLine.config : undefined;
  const resolved = await resolveRemoval(options, where);
  const out = options.out ?? newRunPath(resolved.name, io.now());
  const asked = options.model ?? shippedModel();
  const inputs = inputsOf({ ...options, model: asked });
  const place = await checkNewFolder(out, { command: "remove", force, inputs });

  const found = await findModel(io, asked);
  const { folder: modelFolder } = found;
  // Who has the wrong model need not look for data.
  const model = await loadWithNorms(found);
  const files = corpusFiles(options, options.corpus ?? modelFolder);
  const { recipe, notes } = resolved.on(model);
  tell.scaled(resolved.name, notes);
  const read: FilesRead = { train: [], validation: [] };
  const corpus = await readBoth(files, suitsOf(io, model), recipe, read);
  resolved.check(model, corpus);
  const prompt = options.prompt ?? PROMPT;
  const start = () =>
    withEngine(io, options, async ({ backend, used }) => {
      const { recompute, tensorboard } = options;
      const input = { backend, model, corpus, recipe, prompt, recompute, tensorboard };
      if (options.dryRun) return showPlan(io, out, input);
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
        const folder = await RunFolder.create(io, place, removeKind, config);
        await folder.keepInput(keptTokens(corpus, read));
        return folder;
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
  const checkpoint = await newestCheckpoint(io, out, removeKind, options.checkpoint);
  const { state } = checkpoint;
  const config = await readRunConfig(out, removeConfigSchema);
  const changed = checkAsked(() => changeRemoval(config.recipe, options, state));
  const { model: asked = config.model } = options;
  const { train = config.train, validation = config.validation } = options;
  const inputs = inputsOf({ ...options, model: asked, train, validation });
  const path = await checkOldFolder(out, "remove", inputs);
  const model = await loadWithNorms(await findModel(io, asked));
  const planned = plannedModel(model);
  checkAsked(() => checkPlan(changed, planned));
  const changes = await within(join(out, CONFIG), () =>
    removalChanges(state.recipe, changed, { ...state, model: planned }),
  );
  const files = { ...config, ...resumedFiles(out, options, config) };
  const corpus = await readBoth(files, suitsOf(io, model), config.recipe);
  checkSameCorpus(corpus, out, config.provenance);
  const manner = resumedManner(options, config);
  return withEngine(io, resumedEngine(options, config), ({ backend }) => {
    const openFolder = async () => {
      const change = changes.length > 0 ? changeWords(options, CHANGES, checkpoint.updates) : [];
      const resumed = { backend, now: io.now(), command: "remove", change } as const;
      const provenance = await resumedProvenance(config.provenance, resumed);
      const after = { ...config, ...manner, recipe: changed, provenance };
      return RunFolder.reopen(path, removeKind, checkpoint, after);
    };
    const { prompt } = config;
    const input = { backend, model, corpus, recipe: changed, changed, prompt, ...manner };
    return finish(io, out, { ...input, resume: state, openFolder }, tell);
  });
}

/** The plan, and what it will take; nothing is written. */
async function showPlan(io: Io, out: string, input: Omit<RemoveJob, "openFolder">): Promise<number> {
  const events = removeLayerNorm(input);
  const { value: planned } = await events.next();
  await events.return();
  if (planned?.type !== "plan") throw new Error("the run did not begin with its plan");
  const { model, recipe, recompute = false } = input;
  const { norms } = model;
  const { config, weights } = recipe.untieHead ? untieHead(model) : model;
  const { auxiliaryWeight } = recipe;
  const distilled = recipe.loss === "distillation";
  const measuring = { auxiliaryWeight, measure: measureStds, validate: validationLoss };
  const training = { ...input, config, weights, norms, distilled, ...measuring };
  const first = await firstPositionOf(training, recipe);
  // As it is trained, and in both forms, as they are written and as they are read back.
  const models = 5;
  const disk = removalDisk(planned, model);
  const work = { train: workOf(planned).train, evaluate: forwardTokens(planned) };
  const estimated = await estimateRows(io, { training, work, disk, models, out });
  const more = [...estimated, ...(first ? [["residuals", describeFirstPosition(first)] as const] : [])];
  const facts = { parameters: parameterCount(model.weights), recompute, norms, more };
  io.out(await planText(io, planned, facts));
  const warning = first && sinkWarning(first, recipe);
  if (warning !== undefined) io.err(`${warning}\n`);
  return EXIT.ok;
}

/** How it is told what a run's recipe was changed to, and how the run ended. */
export interface Tell {
  scaled(name: string, notes: readonly string[]): void;
  /** `advice`: what to do about a divergence on the way. */
  stopped(out: string, advice: string | undefined): void;
  ended(out: string, removed: Removed): void;
}

function telling(io: Io): Tell {
  return {
    scaled: (name, notes) => sayScaled(io, name, notes),
    stopped(out, advice) {
      io.err(`stopped; a checkpoint is saved. To go on:\n  ${resumeCommand("remove", out)}\n`);
      if (advice !== undefined) io.err(`${advice}\n`);
    },
    ended: (out, { plan, summary }) =>
      io.out(`\n${resultTable(io, summary, plan.sites)}\n${written(io, out, summary)}`),
  };
}

/** Runs the job; the exit code. */
async function finish(io: Io, out: string, job: RemoveJob, tell: Tell): Promise<number> {
  const { recipe, model } = job;
  const run = {
    command: "remove",
    folder: out,
    recipe,
    removal: { recipe, model: plannedModel(model) },
  } as const;
  const done = await runRemove(io, job).catch(async (error: unknown) =>
    explainFailure(error, "remove", out, await divergenceAdvice(run, error)),
  );
  if (!done) {
    tell.stopped(out, await divergenceAdvice(run));
    return EXIT.interrupted;
  }
  tell.ended(out, done);
  return EXIT.ok;
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
