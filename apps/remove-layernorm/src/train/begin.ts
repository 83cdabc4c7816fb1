/** A new run of `normless train`: what it is given, whether that goes together, and its start. */
import { standardNorms } from "@normless/gpt2";
import {
  checkMemory,
  checkMoments,
  checkRecipe,
  scaleTraining,
  trainingNotes,
  type TrainRecipe,
  trainRecipe,
} from "@normless/train";
import { trainKind } from "../run-folder/checkpoint.js";
import { corpusFiles, type FilesRead, readBoth } from "../data/corpus.js";
import { withDataFiles } from "../data/data-files.js";
import { survivingDeviceLoss } from "../engine/device-loss.js";
import { withEngine } from "../engine/engine.js";
import { checkAsked, EXIT, UsageError } from "../errors.js";
import { trainOptionsSchema, trainRecipeSchema } from "../json/schemas.js";
import { shippedModel } from "../models/shipped.js";
import { sayOtherSources, withOptionsFile } from "../options/options-file.js";
import { inputsOf } from "../options/outputs.js";
import { beginProvenance } from "../provenance/begin.js";
import { lastingName } from "../provenance/sources.js";
import { recipeOptions, resolveRecipe, sayScaled } from "../remove/recipes.js";
import { trainingDisk } from "../run-folder/disk-use.js";
import { keptTokens } from "../run-folder/kept-input.js";
import { checkDisk, checkMachine } from "../run-folder/room.js";
import { corpusConfig, type TrainConfig } from "../run-folder/run-config.js";
import { checkNewFolder, newRunPath } from "../run-folder/run-files.js";
import { newestCheckpointName, RunFolder } from "../run-folder/run-folder.js";
import { lockedRun } from "../run-folder/run-lock.js";
import { thousands } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { finishTraining } from "./ending.js";
import type { TrainOptions } from "./options.js";
import { resumeTraining } from "./resume.js";
import { trainPlanText } from "./train-plan.js";
import { trainStart } from "./train-start.js";

const OTHER_TOKENIZER = "Name it: --tokenizer DIR or NAME";

/** The exit code of a new training, or of its dry run. */
export async function beginTraining(io: Io, commandLine: TrainOptions): Promise<number> {
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

  return trainStart(io, { ...options, tokenizer: askedTokenizer }, async (begin) => {
    const { config, tokenizer, tokenizerFiles, from } = begin;
    checkMachine(config, from?.norms);
    const { recipe, notes } = resolved.inContext(config.blockSize);
    sayScaled(io, "the training", notes);
    if (recipe.blockSize < config.blockSize) sayShortRows(io, recipe, config.blockSize);
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
        checkAsked(() => checkMoments(backend, recipe));
        await checkMemory(backend, { config, recipe, recompute, norms: from?.norms });
        const job = { backend, config, from, tokenizerFiles, corpus, recipe, dtype, recompute, tensorboard };
        if (options.dryRun) {
          io.out(await trainPlanText(io, out, job));
          return EXIT.ok;
        }
        if (!force) await checkDisk(out, trainingDisk(config, from?.norms ?? standardNorms(config), dtype));
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
        return lockedRun(out, () => finishTraining(io, out, job, openFolder), { make: true });
      });
    // Threads are the machine's; everything else is in the run folder.
    const { threads } = options;
    const resume = () => lockedRun(out, () => resumeTraining(io, { threads }, out));
    return survivingDeviceLoss(io, { start, resume, newest: () => newestCheckpointName(out) });
  });
}

/** Says which positions a training never sees. */
function sayShortRows(io: Io, { blockSize }: TrainRecipe, context: number): void {
  io.err(
    `rows have ${blockSize} tokens and the model's context is ${thousands(context)}: positions from ${blockSize} on are ` +
      `not trained (--block-size ${context})\n`,
  );
}

/** Says of the built-in recipe's learning rate that it is none for trained weights. */
function sayFreshRate(io: Io, { learningRate: { peak } }: TrainRecipe): void {
  if (peak !== trainRecipe.learningRate.peak) return;
  io.err(
    `the learning rate, ${peak}, is the built-in recipe's for fresh weights; trained ones take less, GPT-2's about 1e-4 ` +
      "(--learning-rate)\n",
  );
}
