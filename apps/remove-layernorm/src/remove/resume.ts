/** A run of `normless remove` that goes on from a checkpoint in its folder. */
import { join } from "node:path";
import { changeRemoval, checkPlan, removalChanges } from "@normless/removal";
import { removeKind } from "../run-folder/checkpoint.js";
import { readBoth } from "../data/corpus.js";
import { withEngine } from "../engine/engine.js";
import { checkAsked, within } from "../errors.js";
import { findModel } from "../models/hub.js";
import { inputsOf } from "../options/outputs.js";
import { changeWords } from "../options/resume-changes.js";
import { resumedProvenance } from "../provenance/begin.js";
import { resumedFiles } from "../run-folder/kept-input.js";
import { checkSameCorpus, removeConfigSchema } from "../run-folder/run-config.js";
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
import { finishRemoval, type Tell } from "./ending.js";
import { REMOVAL_CHANGES, type RemoveOptions } from "./options.js";
import { useWithNorms, plannedModel, suitsOf } from "./removal-input.js";

/** To be called with the folder locked: another process would write newer checkpoints than the one that is read. */
export async function resumeRemoval(
  io: Io,
  options: RemoveOptions,
  out: string,
  tell: Tell,
): Promise<number> {
  checkResumeOptions(options, REMOVAL_CHANGES);
  const checkpoint = await newestCheckpoint(io, out, removeKind, options.checkpoint);
  const { state } = checkpoint;
  const { config, began } = await resumedConfig(io, out, removeConfigSchema, checkpoint);
  const changed = checkAsked(() => changeRemoval(config.recipe, options, state));
  const { model: asked = config.model } = options;
  const { train = config.train, validation = config.validation } = options;
  const inputs = inputsOf({ ...options, model: asked, train, validation });
  const path = await checkOldFolder(out, "remove", inputs);
  return useWithNorms(await findModel(io, asked), async (model) => {
    const planned = plannedModel(model);
    checkAsked(() => checkPlan(changed, planned));
    const changes = await within(join(out, CONFIG), () =>
      removalChanges(state.recipe, changed, { ...state, model: planned }),
    );
    const files = { ...config, ...resumedFiles(out, options, config) };
    const corpus = await readBoth(files, suitsOf(io, model), config.recipe);
    checkSameCorpus(corpus, out, config.provenance);
    const manner = resumedManner(options, config);
    return withEngine(io, resumedEngine(options, config), ({ backend, used }) => {
      sayOtherBits(io, began, used);
      const openFolder = async () => {
        const change = changes.length > 0 ? changeWords(options, REMOVAL_CHANGES, checkpoint.updates) : [];
        const resumed = { backend, now: io.now(), command: "remove", change } as const;
        const provenance = await resumedProvenance(config.provenance, resumed);
        const after = { ...config, ...manner, recipe: changed, provenance };
        return RunFolder.reopen(io, path, removeKind, checkpoint, after);
      };
      const { prompt } = config;
      const input = { backend, model, corpus, recipe: changed, changed, prompt, ...manner };
      return finishRemoval(io, out, { ...input, resume: state, openFolder }, tell);
    });
  });
}
