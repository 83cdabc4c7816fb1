/** `normless train`: the options, what they resolve to, and what is said at the end. */
import { join, resolve } from "node:path";
import { Option } from "@commander-js/extra-typings";
import { configFromHf, type Gpt2Config, presets, type PresetName, type WeightDtype } from "@normless/gpt2";
import { trainKind } from "../checkpoint.js";
import { type CorpusFiles, corpusFiles, type FilesRead, readBoth } from "../corpus.js";
import { survivingDeviceLoss } from "../device-loss.js";
import { type EngineOptions, withEngine } from "../engine.js";
import { checkAsked, EXIT, UsageError, within } from "../errors.js";
import { duration } from "../format.js";
import { findTokenizer } from "../hub.js";
import type { Io } from "../io.js";
import { readJson } from "../json.js";
import { didYouMean } from "../nearest.js";
import * as shared from "../options.js";
import { sayOtherSources, withOptionsFile } from "../options-file.js";
import { inputsOf } from "../outputs.js";
import { beginProvenance, resumedProvenance } from "../provenance/begin.js";
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
import {
  checkMemory,
  checkRecipe,
  type RateScaling,
  scaleTraining,
  trainingNotes,
  trainRecipe,
  type TrainState,
} from "../../core/index.js";

export interface TrainOptions extends RecipeOptions, EngineOptions, Partial<CorpusFiles> {
  readonly recompute?: boolean | undefined;
  readonly tensorboard?: boolean | undefined;
  readonly preset?: string | undefined;
  readonly modelConfig?: string | undefined;
  /** Of a file of options alone. */
  readonly shape?: Gpt2Config | undefined;
  readonly tokenizer?: string | undefined;
  readonly corpus?: string | undefined;
  readonly recipe?: string | Record<string, unknown> | undefined;
  readonly scaleLearningRate?: RateScaling | undefined;
  readonly out?: string | undefined;
  readonly dtype?: WeightDtype | undefined;
  readonly config?: string | undefined;
  readonly resume?: string | undefined;
  readonly force?: boolean | undefined;
}

const ALLOWED_ON_RESUME = [
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
      "--tokenizer <dir|name>",
      "folder with vocab.json and merges.txt, or tokenizer.json, or a model's name on the hub (default: models/sotu)",
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
    .option("--resume <dir>", "go on with the training in this folder; it ends with the same bits")
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
export async function train(io: Io, options: TrainOptions): Promise<number> {
  const { resume: folder } = options;
  if (folder === undefined) return startRun(io, options);
  const again = () => lockedRun(folder, () => resumeRun(io, options, folder));
  return survivingDeviceLoss(io, { start: again, resume: again, newest: () => newestCheckpointName(folder) });
}

async function startRun(io: Io, commandLine: TrainOptions): Promise<number> {
  const { options, provenance: before } = await withOptionsFile(commandLine, trainOptionsSchema);
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
  const askedTokenizer = options.tokenizer ?? shippedModel();
  const inputs = inputsOf({ ...options, tokenizer: askedTokenizer });
  const place = await checkNewFolder(out, { command: "train", force, inputs });

  const config = await modelShape(io, options);
  const tokenizerFolder = await findTokenizer(io, askedTokenizer);
  const { tokenizer, tokenizerFiles } = await readTokenizerSaying(io, tokenizerFolder);
  if (tokenizer.vocabSize > config.vocabSize) {
    throw new UsageError(
      `the tokenizer in ${tokenizerFolder} has ${tokenizer.vocabSize} tokens, and the model's vocabulary is ` +
        `${config.vocabSize}; choose another --preset, --model-config or --tokenizer`,
    );
  }
  const { recipe, notes } = resolved.inContext(config.blockSize);
  sayScaled(io, "the training", notes);
  const files = corpusFiles(options, options.corpus ?? tokenizerFolder);
  const read: FilesRead = { train: [], validation: [] };
  const corpus = await readBoth(files, { vocabSize: config.vocabSize, tokenizer, io }, recipe, read);
  checkAsked(() => checkRecipe(recipe, { config, corpus }));
  const start = () =>
    withEngine(io, options, async ({ backend, used }) => {
      const { recompute = false, tensorboard, dtype = "F32" } = options;
      await checkMemory(backend, { config, recipe, recompute });
      const job = { backend, config, tokenizerFiles, corpus, recipe, dtype, recompute, tensorboard };
      const openFolder = async () => {
        const origin = { command: "train", options, recipe, engine: used, builtIn: {} } as const;
        const facts = { backend, now: io.now(), eot: config.eot, corpus, read };
        const provenance = await beginProvenance({ ...origin, ...facts });
        sayOtherSources(io, commandLine, before, provenance);
        const runConfig: TrainConfig = {
          command: "train",
          tokenizer: resolve(tokenizerFolder),
          ...corpusConfig(files),
          ...used,
          recompute,
          tensorboard,
          shape: config,
          dtype,
          recipe,
          provenance,
        };
        return RunFolder.create(io, place, trainKind, runConfig);
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
  const checkpoint = await newestCheckpoint(io, out, trainKind);
  const began = await readRunConfig(out, trainConfigSchema);
  const { config, recipe } = checkpoint.state;
  const { tokenizer: tokenizerFolder = began.tokenizer } = options;
  const { train = began.train, validation = began.validation } = options;
  const inputs = inputsOf({ ...options, tokenizer: tokenizerFolder, train, validation });
  const path = await checkOldFolder(out, "train", inputs);
  const { tokenizer, tokenizerFiles } = await readTokenizerSaying(
    io,
    await findTokenizer(io, tokenizerFolder),
  );
  const suits = { vocabSize: config.vocabSize, tokenizer, io };
  const corpus = await readBoth({ ...began, train, validation }, suits, recipe);
  checkSameCorpus(corpus, out, began.provenance);
  const manner = resumedManner(options, began);
  return withEngine(io, resumedEngine(options, began), ({ backend }) => {
    const { dtype } = began;
    const { state: resume } = checkpoint;
    const job = { backend, config, tokenizerFiles, corpus, recipe, dtype, ...manner, resume };
    return finish(io, out, job, async () => {
      const provenance = await resumedProvenance(began.provenance, { backend, now: io.now() });
      return RunFolder.reopen(path, trainKind, checkpoint, { ...began, ...manner, provenance });
    });
  });
}

async function modelShape(io: Io, { preset, modelConfig, shape }: TrainOptions): Promise<Gpt2Config> {
  const said = { "--preset": preset, "--model-config": modelConfig, "a file's shape": shape };
  const [one, other] = Object.entries(said).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (other !== undefined) {
    throw new UsageError(`${one} and ${other} both say the model's shape; give one of them`);
  }
  if (modelConfig !== undefined) {
    const json = await readJson(modelConfig);
    const { config, notes } = await within(modelConfig, () => configFromHf(json));
    sayNotes(io, modelConfig, { notes });
    return config;
  }
  if (shape !== undefined) return shape;
  const name = preset ?? "base";
  if (Object.hasOwn(presets, name)) return presets[name as PresetName];
  const names = Object.keys(presets);
  throw new UsageError(
    `there is no preset "${name}"; the presets are ${names.join(", ")}.${didYouMean(name, names)}`,
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
  const summary = await runTrain(io, job, folder).catch((error: unknown) =>
    explainFailure(error, "train", out),
  );
  if (!summary) {
    io.err(`stopped; a checkpoint is saved. To go on:\n  ${resumeCommand("train", out)}\n`);
    return EXIT.interrupted;
  }
  io.out(`validation loss ${summary.validation.toFixed(4)} nats/token, in ${duration(summary.seconds)}\n`);
  io.out(`Wrote:\n  ${io.colors.bold(join(out, MODEL, "/"))}  the model, as a Hugging Face folder\n`);
  return EXIT.ok;
}
