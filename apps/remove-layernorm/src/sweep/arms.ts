/** What a sweep is of: each recipe on each model, resolved and checked before anything runs. */
import { basename, dirname, resolve } from "node:path";
import type { LoadedModel } from "@normless/gpt2";
import { extentOf } from "@normless/removal";
import { type Corpus, type CorpusFiles, corpusFiles, readBoth } from "../data/corpus.js";
import { UsageError } from "../errors.js";
import { findModel } from "../models/hub.js";
import type { Io } from "../terminal/io.js";
import { modelFacts, tokensHash } from "../provenance/sources.js";
import { sayScaled } from "../remove/recipes.js";
import {
  plannedModel,
  useWithNorms,
  type RemovalOptions,
  type ResolvedRemoval,
  resolveRemoval,
  suitsOf,
} from "../remove/removal-input.js";
import { type DiskUse, removalDisk } from "../run-folder/disk-use.js";
import type { Arm } from "./record.js";
import { firstDifference } from "./same-sweep.js";

/** What is asked for, besides models, recipes and seeds. */
export interface ArmOptions extends Omit<RemovalOptions, "recipe" | "seed">, Partial<CorpusFiles> {
  readonly corpus?: string | undefined;
}

/** A recipe on a model, with how the command line names both. */
export interface AskedArm {
  readonly arm: Arm;
  readonly model: string;
  readonly recipe: string;
  /** The recipe's own. */
  readonly seed: number;
  /** What each of its runs writes. */
  readonly disk: DiskUse;
}

/**
 * Every recipe on every model. `known` are the sweep's arms so far, whose names for models stay.
 * @throws UsageError when a recipe does not go together with a model or the data
 */
export async function resolveArms(
  io: Io,
  { models, recipes }: { readonly models: readonly string[]; readonly recipes: readonly string[] },
  options: ArmOptions,
  known: readonly Arm[],
): Promise<AskedArm[]> {
  const resolved = new Map<string, ResolvedRemoval>();
  for (const recipe of recipes) resolved.set(recipe, await resolveRemoval({ ...options, recipe }));
  const arms: AskedArm[] = [];
  for (const asked of models) {
    const found = await findModel(io, asked);
    await useWithNorms(found, async (model) => {
      const { name, weights } = await modelFacts(found.folder);
      const hashes = weights.map(({ sha256 }) => sha256);
      const taken = [...known, ...arms.map(({ arm }) => arm)];
      const label = labelFor(hashes, { name, folder: found.folder }, taken);
      const files = corpusFiles(options, options.corpus ?? found.folder);
      const read = corpusReader(io, files, model);
      for (const [recipe, removal] of resolved) {
        const { recipe: whole, notes } = removal.on(model);
        sayScaled(io, `${removal.name} on ${label}`, notes);
        const corpus = await read(whole);
        removal.check(model, corpus);
        const { seed, ...fields } = whole;
        const data = { train: tokensHash(corpus.train), validation: tokensHash(corpus.validation) };
        const arm = { model: label, recipe: whole.name, weights: hashes, data, fields };
        const twin = arms.find((one) => one.arm.model === label && one.arm.recipe === whole.name);
        const sites = extentOf(whole, plannedModel(model));
        const disk = removalDisk({ recipe: whole, sites }, model);
        if (!twin) arms.push({ arm, model: asked, recipe, seed, disk });
        else if (firstDifference(twin.arm.fields, fields) !== undefined) {
          throw new UsageError(
            `two recipes are called ${whole.name}, ${twin.recipe} and ${recipe}; give one of them another name`,
          );
        }
      }
    });
  }
  return arms;
}

/** Reads a corpus once for all recipes that look at as much of it. */
function corpusReader(io: Io, files: CorpusFiles, model: LoadedModel) {
  const known = new Map<number, Promise<Corpus>>();
  return (recipe: { readonly validationTokens: number; readonly blockSize: number }): Promise<Corpus> => {
    const { validationTokens, blockSize } = recipe;
    const looked = validationTokens > 0 ? Math.max(validationTokens, blockSize) : 0;
    const corpus = known.get(looked) ?? readBoth(files, suitsOf(io, model), recipe);
    known.set(looked, corpus);
    return corpus;
  };
}

interface NamedModel {
  readonly name: string;
  readonly folder: string;
}

/** A name for files and tables: that of before, or one that no other model has. */
function labelFor(weights: readonly string[], { name, folder }: NamedModel, taken: readonly Arm[]): string {
  const same = taken.find((arm) => arm.weights.join() === weights.join());
  if (same) return same.model;
  const safe = (text: string) => text.replace(/[^\w.-]/g, "-").replace(/^[.-]+/, "") || "model";
  const own = safe(basename(name));
  const inFolder = safe(`${basename(dirname(resolve(folder)))}-${own}`);
  const isFree = (label: string) => taken.every(({ model }) => model !== label);
  const numbered = Array.from({ length: taken.length + 1 }, (_, i) => `${own}-${i + 2}`);
  return [own, inFolder, ...numbered].find(isFree) ?? own;
}
