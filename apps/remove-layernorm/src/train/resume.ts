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
import { checkSameCorpus, trainConfigSchema } from "../run-folder/run-config.js";
import {
  checkResumeOptions,
  resumedConfig,
  resumedEngine,
  resumedManner,
  sayOtherBits,
} from "../run-folder/resumed-config.js";
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
  const { config: kept, began } = await resumedConfig(io, out, trainConfigSchema, checkpoint);
  const { config, step } = checkpoint.state;
  const recipe = checkAsked(() => changeTraining(kept.recipe, options, step));
  const changes = await within(join(out, CONFIG), () => trainingChanges(checkpoint.state.recipe, recipe));
  const { train = kept.train, validation = kept.validation } = options;
  const start = { model: options.model ?? kept.model, tokenizer: options.tokenizer ?? kept.tokenizer };
  const path = await checkOldFolder(out, "train", inputsOf({ ...options, ...start, train, validation }));
  return resumedStart(io, start, kept.model !== undefined, async ({ tokenizer, tokenizerFiles, from }) => {
    const suits = { vocabSize: config.vocabSize, tokenizer, io };
    const files = resumedFiles(out, options, kept);
    const corpus = await readBoth({ ...kept, ...files }, suits, recipe);
    checkSameCorpus(corpus, out, kept.provenance);
    const manner = resumedManner(options, kept);
    return withEngine(io, resumedEngine(options, kept), ({ backend, used }) => {
      sayOtherBits(io, began, used);
      const { dtype } = kept;
      const { state: resume } = checkpoint;
      const training = { config, from, tokenizerFiles, corpus, recipe, changed: recipe, dtype };
      return finishTraining(io, out, { backend, ...training, ...manner, resume }, async () => {
        const change = changes.length > 0 ? changeWords(options, TRAINING_CHANGES, checkpoint.updates) : [];
        const resumed = { backend, now: io.now(), command: "train", change } as const;
        const provenance = await resumedProvenance(kept.provenance, resumed);
        return RunFolder.reopen(io, path, trainKind, checkpoint, { ...kept, ...manner, recipe, provenance });
      });
    });
  });
}
