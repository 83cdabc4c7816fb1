/** `normless train`: the options, what they resolve to, and what is said at the end. */
import { join, resolve } from "node:path";
import { Option } from "@commander-js/extra-typings";
import { configFromHf, type Gpt2Config, presets, type PresetName, type WeightDtype } from "@normless/gpt2";
import { trainKind } from "../checkpoint.js";
import { type CorpusFiles, corpusFiles, readBoth } from "../corpus.js";
import { survivingDeviceLoss } from "../device-loss.js";
import { type EngineOptions, withEngine } from "../engine.js";
import { divergenceAdvice } from "../divergence-advice.js";
import { checkAsked, EXIT, UsageError, within } from "../errors.js";
import { duration } from "../format.js";
import type { Io } from "../io.js";
import { checkJson, readJson } from "../json.js";
import * as shared from "../options.js";
import { inputsOf } from "../outputs.js";
import { sayNotes } from "../read-model.js";
import { recipeOptions, type RecipeOptions, resolveRecipe, sayScaled } from "../recipes.js";
import {
  checkResumeOptions,
  checkSameCorpus,
  corpusConfig,
  readRunConfig,
  resumedEngine,
  resumedManner,
  type TrainConfig,
  trainConfigSchema,
} from "../run-config.js";
import { checkNewFolder, checkOldFolder, MODEL, newRunPath } from "../run-files.js";
import {
  explainFailure,
  newestCheckpoint,
  newestCheckpointName,
  resumeCommand,
  RunFolder,
} from "../run-folder.js";
import { lockedRun } from "../run-lock.js";
import { trainOptionsSchema, trainRecipeSchema, weightDtypes } from "../schemas.js";
import { shippedModel } from "../shipped.js";
import { readTokenizerSaying } from "../tokenizer-folder.js";
import { runTrain, type TrainJob } from "../train-job.js";
import { trainPlanText } from "../train-plan.js";
import {
  changeTraining,
  checkMemory,
  checkRecipe,
  scaleTraining,
  trainingChanges,
  trainingNotes,
  trainRecipe,
  type TrainState,
} from "../../core/index.js";

export interface TrainOptions extends RecipeOptions, EngineOptions, Partial<CorpusFiles> {
  readonly recompute?: boolean | undefined;
  readonly tensorboard?: boolean | undefined;
  readonly preset?: string | undefined;
  readonly modelConfig?: string | undefined;
  readonly tokenizer?: string | undefined;
  readonly corpus?: string | undefined;
  readonly recipe?: string | Record<string, unknown> | undefined;
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

export function trainCommand(io: Io, done: (code: number) => void) {
  return shared
    .command(
      "train",
      "Train a GPT-2 with LayerNorm from fresh weights, and write it as a Hugging Face folder",
      [
        "--preset base --out runs/sotu",
        "--tokenizer gpt2 --preset small --train books.txt --validation held-out.txt --steps 2000",
        "--resume runs/sotu",
      ],
    )
    .addOption(
      new Option("--preset <name>", "the model's shape (default: base)").choices(Object.keys(presets)),
    )
    .option("--model-config <file.json>", "the model's shape as a Hugging Face config.json")
    .option(
      "--tokenizer <dir>",
      "folder with vocab.json and merges.txt, or tokenizer.json (default: models/sotu)",
    )
    .option(
      "--corpus <dir>",
      "folder with the tokens, train.bin.gz and val.bin.gz (default: the tokenizer's)",
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
    .addOption(shared.learningRateOption)
    .addOption(shared.seedOption)
    .addOption(shared.validationTokensOption)
    .addOption(shared.evaluateEveryOption)
    .addOption(shared.checkpointEveryOption)
    .action(async (options) => done(await train(io, options)));
}

/** The exit code. */
export async function train(io: Io, options: TrainOptions): Promise<number> {
  const { resume: folder } = options;
  if (folder === undefined) return startRun(io, options);
  const again = (asked: TrainOptions) => () => lockedRun(folder, () => resumeRun(io, asked, folder));
  return survivingDeviceLoss(io, {
    start: again(options),
    resume: again(withoutChanges(options)),
    newest: () => newestCheckpointName(folder),
  });
}

/** What was changed is in the run folder once it goes on, and is not to be changed again. */
function withoutChanges(options: TrainOptions): TrainOptions {
  const changes: readonly string[] = [...CHANGES, "checkpoint"];
  return Object.fromEntries(Object.entries(options).filter(([name]) => !changes.includes(name)));
}

async function startRun(io: Io, commandLine: TrainOptions): Promise<number> {
  if (commandLine.checkpoint !== undefined) throw new UsageError("--checkpoint goes with --resume DIR");
  const { config: file } = commandLine;
  const fromFile = file === undefined ? {} : checkJson(file, trainOptionsSchema, await readJson(file));
  const options: TrainOptions = { ...fromFile, ...commandLine };
  const { force = false } = options;
  const { recipe, notes } = await resolveRecipe({
    builtIn: { sotu: trainRecipe },
    schema: trainRecipeSchema,
    asked: options.recipe,
    where: commandLine.recipe === undefined ? commandLine.config : undefined,
    options: recipeOptions(options),
    scale: scaleTraining,
    notes: trainingNotes,
  });
  sayScaled(io, "the training", notes);
  const out = options.out ?? newRunPath("train", io.now());
  const tokenizerFolder = options.tokenizer ?? shippedModel();
  const inputs = inputsOf({ ...options, tokenizer: tokenizerFolder });
  const place = await checkNewFolder(out, { command: "train", force, inputs });

  const config = await modelShape(io, options);
  const { tokenizer, tokenizerFiles } = await readTokenizerSaying(io, tokenizerFolder);
  if (tokenizer.vocabSize > config.vocabSize) {
    throw new UsageError(
      `the tokenizer in ${tokenizerFolder} has ${tokenizer.vocabSize} tokens, and the model's vocabulary is ` +
        `${config.vocabSize}; choose another --preset, --model-config or --tokenizer`,
    );
  }
  const files = corpusFiles(options, options.corpus ?? tokenizerFolder);
  const corpus = await readBoth(files, { vocabSize: config.vocabSize, tokenizer, io }, recipe);
  checkAsked(() => checkRecipe(recipe, { config, corpus }));
  const start = () =>
    withEngine(io, options, async ({ backend, used }) => {
      const { recompute = false, tensorboard } = options;
      const runConfig: TrainConfig = {
        command: "train",
        tokenizer: resolve(tokenizerFolder),
        corpus: corpusConfig(files, corpus),
        engine: used,
        recompute,
        tensorboard,
        model: config,
        dtype: options.dtype ?? "F32",
        recipe,
      };
      const { dtype } = runConfig;
      await checkMemory(backend, { config, recipe, recompute });
      const job = { backend, config, tokenizerFiles, corpus, recipe, dtype, recompute, tensorboard };
      if (options.dryRun) {
        io.out(await trainPlanText(io, out, job));
        return EXIT.ok;
      }
      const openFolder = () => RunFolder.create(io, place, trainKind, runConfig);
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
  await within(join(out, "config.json"), () => trainingChanges(checkpoint.state.recipe, recipe));
  const { tokenizer: tokenizerFolder = began.tokenizer } = options;
  const { train = began.corpus.train, validation = began.corpus.validation } = options;
  const inputs = inputsOf({ ...options, tokenizer: tokenizerFolder, train, validation });
  const path = await checkOldFolder(out, "train", inputs);
  const { tokenizer, tokenizerFiles } = await readTokenizerSaying(io, tokenizerFolder);
  const suits = { vocabSize: config.vocabSize, tokenizer, io };
  const corpus = await readBoth({ ...began.corpus, train, validation }, suits, recipe);
  checkSameCorpus(corpus, out, began.corpus);
  const manner = resumedManner(options, began);
  return withEngine(io, resumedEngine(options, began.engine), ({ backend }) => {
    const { dtype } = began;
    const { state: resume } = checkpoint;
    const job = {
      backend,
      config,
      tokenizerFiles,
      corpus,
      recipe,
      changed: recipe,
      dtype,
      ...manner,
      resume,
    };
    return finish(io, out, job, () =>
      RunFolder.reopen(path, trainKind, checkpoint, { ...began, ...manner, recipe }),
    );
  });
}

async function modelShape(io: Io, { preset, modelConfig }: TrainOptions): Promise<Gpt2Config> {
  if (preset !== undefined && modelConfig !== undefined) {
    throw new UsageError("--preset and --model-config both say the model's shape; give one of them");
  }
  if (modelConfig !== undefined) {
    const json = await readJson(modelConfig);
    const { config, notes } = await within(modelConfig, () => configFromHf(json));
    sayNotes(io, modelConfig, { notes });
    return config;
  }
  const name = preset ?? "base";
  if (Object.hasOwn(presets, name)) return presets[name as PresetName];
  throw new UsageError(`there is no preset "${name}"; the presets are ${Object.keys(presets).join(", ")}`);
}

/** Runs the job and says how it ended. */
async function finish(
  io: Io,
  out: string,
  job: TrainJob,
  openFolder: () => Promise<RunFolder<TrainState>>,
): Promise<number> {
  const folder = await openFolder();
  const { recipe } = job;
  const advice = (error?: unknown) => divergenceAdvice({ command: "train", folder: out, recipe }, error);
  const summary = await runTrain(io, job, folder).catch(async (error: unknown) =>
    explainFailure(error, "train", out, await advice(error)),
  );
  if (!summary) {
    io.err(`stopped; a checkpoint is saved. To go on:\n  ${resumeCommand("train", out)}\n`);
    const diverged = await advice();
    if (diverged !== undefined) io.err(`${diverged}\n`);
    return EXIT.interrupted;
  }
  io.out(`validation loss ${summary.validation.toFixed(4)} nats/token, in ${duration(summary.seconds)}\n`);
  io.out(`Wrote:\n  ${io.colors.bold(join(out, MODEL, "/"))}  the model, as a Hugging Face folder\n`);
  return EXIT.ok;
}
