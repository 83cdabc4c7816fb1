/** A run of `normless train` that goes on from a checkpoint in its folder. */
import { join } from "node:path";
import { changeTraining, trainingChanges } from "@normless/train";
import { trainKind } from "../run-folder/checkpoint.js";
import { readBoth } from "../data/corpus.js";
import { withEngine } from "../engine/engine.js";
import { checkAsked, within } from "../errors.js";
import { inputsOf } from "../options/outputs.js";
import { changeWords } from "../options/resume-changes.js";
import { resumedProvenance } from "../provenance/begin.js";
import { resumedFiles } from "../run-folder/kept-input.js";
import {
  checkResumeOptions,
  checkSameCorpus,
  readRunConfig,
  resumedEngine,
  resumedManner,
  sayOtherBits,
  trainConfigSchema,
} from "../run-folder/run-config.js";
import { checkOldFolder, CONFIG } from "../run-folder/run-files.js";
import { newestCheckpoint, RunFolder } from "../run-folder/run-folder.js";
import type { Io } from "../terminal/io.js";
import { finishTraining } from "./ending.js";
import { TRAINING_CHANGES, type TrainOptions } from "./options.js";
import { resumedStart } from "./train-start.js";

/** To be called with the folder locked: another process would write newer checkpoints than the one that is read. */
export async function resumeTraining(io: Io, options: TrainOptions, out: string): Promise<number> {
  checkResumeOptions(options, TRAINING_CHANGES);
  const checkpoint = await newestCheckpoint(io, out, trainKind, options.checkpoint);
  const began = await readRunConfig(out, trainConfigSchema);
  const { config, step } = checkpoint.state;
  const recipe = checkAsked(() => changeTraining(began.recipe, options, step));
  const changes = await within(join(out, CONFIG), () => trainingChanges(checkpoint.state.recipe, recipe));
  const { train = began.train, validation = began.validation } = options;
  const start = { model: options.model ?? began.model, tokenizer: options.tokenizer ?? began.tokenizer };
  const path = await checkOldFolder(out, "train", inputsOf({ ...options, ...start, train, validation }));
  return resumedStart(io, start, began.model !== undefined, async ({ tokenizer, tokenizerFiles, from }) => {
    const suits = { vocabSize: config.vocabSize, tokenizer, io };
    const files = resumedFiles(out, options, began);
    const corpus = await readBoth({ ...began, ...files }, suits, recipe);
    checkSameCorpus(corpus, out, began.provenance);
    const manner = resumedManner(options, began);
    return withEngine(io, resumedEngine(options, began), ({ backend, used }) => {
      sayOtherBits(io, began, used);
      const { dtype } = began;
      const { state: resume } = checkpoint;
      const training = { config, from, tokenizerFiles, corpus, recipe, changed: recipe, dtype };
      return finishTraining(io, out, { backend, ...training, ...manner, resume }, async () => {
        const change = changes.length > 0 ? changeWords(options, TRAINING_CHANGES, checkpoint.updates) : [];
        const resumed = { backend, now: io.now(), command: "train", change } as const;
        const provenance = await resumedProvenance(began.provenance, resumed);
        return RunFolder.reopen(path, trainKind, checkpoint, { ...began, ...manner, recipe, provenance });
      });
    });
  });
}
