/** `normless train`: the options, what they resolve to, and what is said at the end. */
import { join } from "node:path";
import { Option } from "@commander-js/extra-typings";
import type { WeightDtype } from "@normless/gpt2";
import { trainKind } from "../run-folder/checkpoint.js";
import { type CorpusFiles, corpusFiles, type FilesRead, readBoth } from "../data/corpus.js";
import { withDataFiles } from "../data/data-files.js";
import { survivingDeviceLoss } from "../engine/device-loss.js";
import { type EngineOptions, withEngine } from "../engine/engine.js";
import { divergenceAdvice } from "../run-folder/divergence-advice.js";
import { checkAsked, EXIT, UsageError, within } from "../errors.js";
import { duration } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import * as shared from "../options/options.js";
import { sayOtherSources, withOptionsFile } from "../options/options-file.js";
import { inputsOf } from "../options/outputs.js";
import { beginProvenance, resumedProvenance } from "../provenance/begin.js";
import { keptTokens, resumedFiles } from "../run-folder/kept-input.js";
import { lastingName } from "../provenance/sources.js";
import { recipeOptions, type RecipeOptions, resolveRecipe, sayScaled } from "../remove/recipes.js";
import {
  checkResumeOptions,
  checkSameCorpus,
  corpusConfig,
  readRunConfig,
  resumedEngine,
  resumedManner,
  type TrainConfig,
  trainConfigSchema,
} from "../run-folder/run-config.js";
import { changeWords, withoutChanges } from "../options/resume-changes.js";
import { checkNewFolder, checkOldFolder, CONFIG, MODEL, newRunPath } from "../run-folder/run-files.js";
import {
  explainFailure,
  newestCheckpoint,
  newestCheckpointName,
  resumeCommand,
  RunFolder,
} from "../run-folder/run-folder.js";
import { lockedRun } from "../run-folder/run-lock.js";
import { trainOptionsSchema, trainRecipeSchema, weightDtypes } from "../json/schemas.js";
import { shippedModel } from "../models/shipped.js";
import { runTrain, type TrainJob } from "../train/train-job.js";
import { trainPlanText } from "../train/train-plan.js";
import { resumedStart, type StartOptions, trainStart } from "../train/train-start.js";
import {
  changeTraining,
  checkMemory,
  checkRecipe,
  type RateScaling,
  scaleTraining,
  trainingChanges,
  trainingNotes,
  type TrainRecipe,
  trainRecipe,
  type TrainState,
} from "@normless/train";

export interface TrainOptions extends RecipeOptions, StartOptions, EngineOptions, Partial<CorpusFiles> {
  readonly recompute?: boolean | undefined;
  readonly tensorboard?: boolean | undefined;
  readonly corpus?: string | undefined;
  readonly recipe?: string | Record<string, unknown> | undefined;
  readonly scaleLearningRate?: RateScaling | undefined;
  readonly out?: string | undefined;
  readonly dtype?: WeightDtype | undefined;
  readonly config?: string | undefined;
  readonly resume?: string | undefined;
  readonly checkpoint?: number | undefined;
  readonly dryRun?: boolean | undefined;
  readonly force?: boolean | undefined;
}

/** What may change while a training goes on. */
const CHANGES = ["steps", "learningRate", "checkpointEvery"] as const;
const ALLOWED_ON_RESUME = [
  ...CHANGES,
  "checkpoint",
  "model",
  "tokenizer",
  "train",
  "validation",
  "backend",
  "blasLibrary",
  "threads",
  "simd",
  "recompute",
  "tensorboard",
];

const OTHER_TOKENIZER = "Name it: --tokenizer DIR or NAME";

export function trainCommand(io: Io, done: (code: number) => void) {
  return shared
    .command(
      "train",
      "Train a GPT-2 from fresh weights with LayerNorm, or go on from a model, and write it as a Hugging Face folder",
      [
        "--preset base --out runs/sotu",
        "--tokenizer gpt2 --preset small --train books/ --validation held-out.txt --steps 2000",
        "--model gpt2 --train 'books/*.txt' --validation held-out.txt --steps 500 --learning-rate 1e-4",
        "--resume runs/sotu",
      ],
    )
    .option(
      "--model <dir|name>",
      "go on from this model's weights: a Hugging Face folder of a GPT-2, or its name on the hub; its shape, its norms " +
        "and its tokenizer stay (default: fresh weights)",
    )
    .addOption(shared.presetOption)
    .addOption(shared.modelConfigOption)
    .addOption(shared.layersOption)
    .addOption(shared.headsOption)
    .addOption(shared.channelsOption)
    .addOption(shared.innerOption)
    .addOption(shared.contextOption)
    .addOption(shared.vocabSizeOption)
    .option(
      "--tokenizer <dir|name>",
      "of a new model: folder with vocab.json and merges.txt, or tokenizer.json, or a model's name on the hub (default: " +
        "models/sotu)",
    )
    .option(
      "--corpus <dir>",
      "folder with the tokens, train.bin.gz and val.bin.gz (default: the model's or the tokenizer's)",
    )
    .addOption(shared.trainOption)
    .addOption(shared.validationOption)
    .addOption(shared.textColumnOption())
    .addOption(shared.tokenColumnOption())
    .addOption(shared.trainTokensOption)
    .option("--recipe <file.json>", "fields over those of the built-in recipe")
    .option("--out <dir>", "the run folder; the model goes into its model/ (default: runs/train-<time>)")
    .addOption(
      new Option("--dtype <dtype>", "what the model's weights are stored in (default: F32)").choices(
        weightDtypes,
      ),
    )
    .option("--config <file.json>", "these options from a file, by their names; the command line wins")
    .option(
      "--resume <dir>",
      "go on with the training in this folder; it ends with the same bits, or with --learning-rate or --steps otherwise " +
        "from there on",
    )
    .addOption(shared.checkpointOption)
    .option(
      "--dry-run",
      "show what the training will take (an update is timed for that), write nothing and end",
    )
    .option("--force", "give up the run that is in the run folder")
    .addOption(shared.tensorboardOption)
    .addOption(shared.backendOption)
    .addOption(shared.blasLibraryOption)
    .addOption(shared.threadsOption)
    .addOption(shared.simdOption)
    .addOption(shared.recomputeOption)
    .addOption(shared.stepsOption)
    .addOption(shared.batchSizeOption)
    .addOption(shared.microBatchSizeOption)
    .addOption(shared.blockSizeOption)
    .addOption(shared.eotShareOption)
    .addOption(shared.shortShareOption)
    .addOption(shared.learningRateOption)
    .addOption(shared.scaleLearningRateOption)
    .addOption(shared.seedOption)
    .addOption(shared.validationTokensOption)
    .addOption(shared.evaluateEveryOption)
    .addOption(shared.checkpointEveryOption)
    .action(async (options) => done(await train(io, options)));
}

/** The exit code. */
export async function train(io: Io, asked: TrainOptions): Promise<number> {
  const { resume: folder } = asked;
  if (folder === undefined) return startRun(io, asked);
  const options = await withDataFiles(io, asked);
  const again = (wanted: TrainOptions) => () => lockedRun(folder, () => resumeRun(io, wanted, folder));
  return survivingDeviceLoss(io, {
    start: again(options),
    resume: again(withoutChanges(options, CHANGES)),
    newest: () => newestCheckpointName(folder),
  });
}

async function startRun(io: Io, commandLine: TrainOptions): Promise<number> {
  if (commandLine.checkpoint !== undefined) throw new UsageError("--checkpoint goes with --resume DIR");
  const { options: asked, provenance: before } = await withOptionsFile(commandLine, trainOptionsSchema);
  const options = await withDataFiles(io, asked);
  const { force = false } = options;
  const resolved = await resolveRecipe({
    builtIn: { sotu: trainRecipe },
    schema: trainRecipeSchema,
    asked: options.recipe,
    where: commandLine.recipe === undefined ? commandLine.config : undefined,
    options: recipeOptions(options),
    scaleLearningRate: options.scaleLearningRate,
    scale: scaleTraining,
    notes: trainingNotes,
  });
  const out = options.out ?? newRunPath("train", io.now());
  const { model, tokenizer: askedTokenizer = model === undefined ? shippedModel() : undefined } = options;
  const inputs = inputsOf({ ...options, tokenizer: askedTokenizer });
  const place = await checkNewFolder(out, { command: "train", force, inputs });

  const begin = await trainStart(io, { ...options, tokenizer: askedTokenizer });
  const { config, tokenizer, tokenizerFiles, from } = begin;
  const { recipe, notes } = resolved.inContext(config.blockSize);
  sayScaled(io, "the training", notes);
  if (from && options.learningRate === undefined) sayFreshRate(io, recipe);
  const files = corpusFiles(options, options.corpus ?? begin.folder);
  const read: FilesRead = { train: [], validation: [] };
  const suits = {
    vocabSize: config.vocabSize,
    tokenizer,
    io,
    ...(from ? {} : { otherWay: OTHER_TOKENIZER }),
  };
  const corpus = await readBoth(files, suits, recipe, read);
  checkAsked(() => checkRecipe(recipe, { config, corpus }));
  const start = () =>
    withEngine(io, options, async ({ backend, used }) => {
      const { recompute = false, tensorboard, dtype = "F32" } = options;
      await checkMemory(backend, { config, recipe, recompute, norms: from?.norms });
      const job = { backend, config, from, tokenizerFiles, corpus, recipe, dtype, recompute, tensorboard };
      if (options.dryRun) {
        io.out(await trainPlanText(io, out, job));
        return EXIT.ok;
      }
      const openFolder = async () => {
        const origin = { command: "train", options, recipe, engine: used, builtIn: {} } as const;
        const facts = { backend, now: io.now(), eot: config.eot, corpus, read, modelFolder: from?.folder };
        const provenance = await beginProvenance({ ...origin, ...facts });
        sayOtherSources(io, commandLine, before, provenance);
        const runConfig: TrainConfig = {
          command: "train",
          ...(model !== undefined && from ? { model: lastingName(model, from.folder) } : { shape: config }),
          ...(askedTokenizer !== undefined && { tokenizer: lastingName(askedTokenizer, begin.folder) }),
          ...corpusConfig(files),
          ...used,
          recompute,
          tensorboard,
          dtype,
          recipe,
          provenance,
        };
        const folder = await RunFolder.create(io, place, trainKind, runConfig);
        await folder.keepInput(keptTokens(corpus, read));
        return folder;
      };
      return lockedRun(out, () => finish(io, out, job, openFolder), { make: true });
    });
  // Threads are the machine's; everything else is in the run folder.
  const { threads } = options;
  const resume = () => lockedRun(out, () => resumeRun(io, { threads }, out));
  return survivingDeviceLoss(io, { start, resume, newest: () => newestCheckpointName(out) });
}

/** To be called with the folder locked: another process would write newer checkpoints than the one that is read. */
async function resumeRun(io: Io, options: TrainOptions, out: string): Promise<number> {
  checkResumeOptions(options, ALLOWED_ON_RESUME);
  const checkpoint = await newestCheckpoint(io, out, trainKind, options.checkpoint);
  const began = await readRunConfig(out, trainConfigSchema);
  const { config, step } = checkpoint.state;
  const recipe = checkAsked(() => changeTraining(began.recipe, options, step));
  const changes = await within(join(out, CONFIG), () => trainingChanges(checkpoint.state.recipe, recipe));
  const { train = began.train, validation = began.validation } = options;
  const start = { model: options.model ?? began.model, tokenizer: options.tokenizer ?? began.tokenizer };
  const path = await checkOldFolder(out, "train", inputsOf({ ...options, ...start, train, validation }));
  const { tokenizer, tokenizerFiles, from } = await resumedStart(io, start, began.model !== undefined);
  const suits = { vocabSize: config.vocabSize, tokenizer, io };
  const files = resumedFiles(out, options, began);
  const corpus = await readBoth({ ...began, ...files }, suits, recipe);
  checkSameCorpus(corpus, out, began.provenance);
  const manner = resumedManner(options, began);
  return withEngine(io, resumedEngine(options, began), ({ backend }) => {
    const { dtype } = began;
    const { state: resume } = checkpoint;
    const training = { config, from, tokenizerFiles, corpus, recipe, changed: recipe, dtype };
    return finish(io, out, { backend, ...training, ...manner, resume }, async () => {
      const change = changes.length > 0 ? changeWords(options, CHANGES, checkpoint.updates) : [];
      const resumed = { backend, now: io.now(), command: "train", change } as const;
      const provenance = await resumedProvenance(began.provenance, resumed);
      return RunFolder.reopen(path, trainKind, checkpoint, { ...began, ...manner, recipe, provenance });
    });
  });
}

/** Says of the built-in recipe's learning rate that it is none for trained weights. */
function sayFreshRate(io: Io, { learningRate: { peak } }: TrainRecipe): void {
  if (peak !== trainRecipe.learningRate.peak) return;
  io.err(
    `the learning rate, ${peak}, is the built-in recipe's for fresh weights; trained ones take less, GPT-2's about 1e-4 ` +
      "(--learning-rate)\n",
  );
}

/** Runs the job and says how it ended. */
async function finish(
  io: Io,
  out: string,
  job: TrainJob,
  openFolder: () => Promise<RunFolder<TrainState, TrainConfig>>,
): Promise<number> {
  const folder = await openFolder();
  const { recipe } = job;
  const run = { command: "train", folder: out, recipe } as const;
  const summary = await runTrain(io, job, folder).catch(async (error: unknown) =>
    explainFailure(error, "train", out, await divergenceAdvice(run, error)),
  );
  if (!summary) {
    io.err(`stopped; a checkpoint is saved. To go on:\n  ${resumeCommand("train", out)}\n`);
    const diverged = await divergenceAdvice(run);
    if (diverged !== undefined) io.err(`${diverged}\n`);
    return EXIT.interrupted;
  }
  io.out(`validation loss ${summary.validation.toFixed(4)} nats/token, in ${duration(summary.seconds)}\n`);
  io.out(`Wrote:\n  ${io.colors.bold(join(out, MODEL, "/"))}  the model, as a Hugging Face folder\n`);
  return EXIT.ok;
}
