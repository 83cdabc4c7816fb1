/** A new run of `normless remove`: what it is given, whether that goes together, and its start. */
import { extentOf, removalRecipes } from "@normless/removal";
import { checkMoments } from "@normless/train";
import { removeKind } from "../run-folder/checkpoint.js";
import { corpusFiles, type FilesRead, readBoth } from "../data/corpus.js";
import { withDataFiles } from "../data/data-files.js";
import { survivingDeviceLoss } from "../engine/device-loss.js";
import { withEngine } from "../engine/engine.js";
import { checkAsked, UsageError } from "../errors.js";
import { removeOptionsSchema } from "../json/schemas.js";
import { findModel } from "../models/hub.js";
import { shippedModel } from "../models/shipped.js";
import { sayOtherSources, withOptionsFile } from "../options/options-file.js";
import { inputsOf } from "../options/outputs.js";
import { beginProvenance } from "../provenance/begin.js";
import { lastingName } from "../provenance/sources.js";
import { removalDisk } from "../run-folder/disk-use.js";
import { keptTokens } from "../run-folder/kept-input.js";
import { checkDisk, checkMachine } from "../run-folder/room.js";
import { corpusConfig, type RemoveConfig } from "../run-folder/run-config.js";
import { checkNewFolder, newRunPath } from "../run-folder/run-files.js";
import { newestCheckpointName, RunFolder } from "../run-folder/run-folder.js";
import { lockedRun } from "../run-folder/run-lock.js";
import type { Io } from "../terminal/io.js";
import { showPlan } from "./dry-run.js";
import { finishRemoval, type Tell } from "./ending.js";
import { PROMPT, type RemoveOptions } from "./options.js";
import { plannedModel, useWithNorms, resolveRemoval, suitsOf } from "./removal-input.js";
import { resumeRemoval } from "./resume.js";

/** The exit code of a new run, or of its dry run. */
export async function beginRemoval(io: Io, commandLine: RemoveOptions, tell: Tell): Promise<number> {
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
  return useWithNorms(found, async (model) => {
    checkMachine(model.config, model.norms);
    const files = corpusFiles(options, options.corpus ?? modelFolder);
    const { recipe, notes } = resolved.on(model);
    tell.scaled(resolved.name, notes);
    const read: FilesRead = { train: [], validation: [] };
    const corpus = await readBoth(files, suitsOf(io, model), recipe, read);
    resolved.check(model, corpus);
    const prompt = options.prompt ?? PROMPT;
    const start = () =>
      withEngine(io, options, async ({ backend, used }) => {
        checkAsked(() => checkMoments(backend, recipe));
        const { recompute, tensorboard } = options;
        const input = { backend, model, corpus, recipe, prompt, recompute, tensorboard };
        if (options.dryRun) return showPlan(io, out, input);
        const sites = extentOf(recipe, plannedModel(model));
        if (!force) await checkDisk(out, removalDisk({ recipe, sites }, model));
        const openFolder = async () => {
          const origin = {
            command: "remove",
            options,
            modelFolder,
            recipe,
            builtIn: removalRecipes,
          } as const;
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
        return lockedRun(out, () => finishRemoval(io, out, job, tell), { make: true });
      });
    // Threads are the machine's; everything else is in the run folder.
    const { threads } = options;
    const resume = () => lockedRun(out, () => resumeRemoval(io, { threads }, out, tell));
    return survivingDeviceLoss(io, { start, resume, newest: () => newestCheckpointName(out) });
  });
}
