/** The recipe of a run out of its layers: the built-in one, a recipe file or fields, the options of the command line. */
import type { z } from "zod";
import { UsageError } from "./errors.js";
import type { Io } from "./io.js";
import { checkJson, isObject, mergeJson, readJson } from "./json.js";
import type { RecipeSize } from "../core/index.js";

/** Recipe fields that are options of the command line. */
export interface RecipeOptions {
  readonly steps?: number | undefined;
  readonly batchSize?: number | undefined;
  readonly microBatchSize?: number | undefined;
  readonly blockSize?: number | undefined;
  /** The peak; the floor keeps its proportion. */
  readonly learningRate?: number | undefined;
  readonly seed?: number | undefined;
  readonly validationTokens?: number | undefined;
  readonly checkpointEvery?: number | undefined;
  readonly auxiliaryWeight?: number | undefined;
  readonly evaluateEvery?: number | undefined;
  readonly eotShare?: number | undefined;
  readonly shortShare?: number | undefined;
  readonly sites?: readonly string[] | undefined;
}

/** The recipe's fields out of all of a command's options. */
export function recipeOptions(options: RecipeOptions): RecipeOptions {
  const names = ["steps", "batchSize", "microBatchSize", "blockSize", "learningRate", "seed"] as const;
  const others = ["validationTokens", "checkpointEvery", "auxiliaryWeight", "evaluateEvery"] as const;
  const more = ["eotShare", "shortShare", "sites"] as const;
  return Object.fromEntries([...names, ...others, ...more].map((name) => [name, options[name]]));
}

/** Whether a recipe is asked for by its file. */
export function isRecipeFile(asked: unknown): asked is string {
  return typeof asked === "string" && asked.endsWith(".json");
}

/** What is sized, and what a learning rate's option changes. */
interface Sized extends RecipeSize {
  readonly learningRate: { readonly peak: number; readonly floor: number };
}

export interface RecipeSources<R extends Sized> {
  readonly builtIn: Readonly<Record<string, R>>;
  readonly schema: z.ZodType<R>;
  /** A built-in recipe's name, a file's path, or fields over a built-in one. */
  readonly asked: string | Record<string, unknown> | undefined;
  /** Where the recipe was asked for, in errors: a file of options, or the command line. */
  readonly where?: string | undefined;
  readonly options: RecipeOptions;
  /** What follows from other steps or another batch. */
  readonly scale: (recipe: R, size: RecipeSize) => Scaled<R>;
  /** What scaling made of the first recipe, in words. */
  readonly notes: (before: R, after: R) => readonly string[];
}

interface Scaled<R> {
  readonly recipe: R;
  readonly notes: readonly string[];
}

interface Resolved<R> extends Scaled<R> {
  /** The same recipe with other steps asked for on the command line. */
  readonly withSteps: (steps: number) => R;
}

/**
 * The recipe, and what was changed so that it fits a size that was asked for.
 * @throws UsageError naming the file or option, the field and what is expected.
 */
export async function resolveRecipe<R extends Sized>(sources: RecipeSources<R>): Promise<Resolved<R>> {
  const { options } = sources;
  const { recipe, notes } = await askedRecipe(sources);
  const { learningRate: peak, ...fields } = options;
  const floor =
    peak === undefined ? undefined : (recipe.learningRate.floor * peak) / recipe.learningRate.peak;
  const layer = { ...fields, ...(peak !== undefined && { learningRate: { peak, floor } }) };
  const change = (more: object) => withLayer(sources, "the options", recipe, { ...layer, ...more });
  const changed = change({});
  return {
    recipe: changed.recipe,
    notes: [...notes, ...changed.notes],
    withSteps: (steps) => change({ steps }).recipe,
  };
}

async function askedRecipe<R extends Sized>(sources: RecipeSources<R>): Promise<Scaled<R>> {
  const { builtIn, asked } = sources;
  const [standard] = Object.values(builtIn);
  if (asked === undefined) return { recipe: standard, notes: [] };
  if (typeof asked !== "string")
    return fromFields(sources, `${sources.where ?? "the options"}: recipe`, asked);
  if (Object.hasOwn(builtIn, asked)) return { recipe: builtIn[asked], notes: [] };
  if (!isRecipeFile(asked)) throw unknownRecipe(builtIn, JSON.stringify(asked), sources.where);
  const file = await readJson(asked);
  if (!isObject(file)) throw new UsageError(`${asked} is no JSON object; it must hold a recipe's fields`);
  return fromFields(sources, asked, file);
}

/** Fields over those of the recipe that `base` names, or of the first built-in one. */
function fromFields<R extends Sized>(
  sources: RecipeSources<R>,
  where: string,
  { base, ...fields }: Readonly<Record<string, unknown>>,
): Scaled<R> {
  const { builtIn } = sources;
  if (base === undefined) return withLayer(sources, where, Object.values(builtIn)[0], fields);
  if (typeof base !== "string" || !Object.hasOwn(builtIn, base))
    throw unknownRecipe(builtIn, JSON.stringify(base), where);
  return withLayer(sources, where, builtIn[base], fields);
}

/** `where`: the file that asks for it, if one does. */
export function unknownRecipe(
  builtIn: Readonly<Record<string, unknown>>,
  asked: string,
  where?: string,
): UsageError {
  const names = Object.keys(builtIn).join(", ");
  return new UsageError(
    `${where ? `${where}: ` : ""}there is no recipe ${asked}; the built-in ones are: ${names}. Or give a recipe's file, ending in .json`,
  );
}

/** The recipe at the size that the layer asks for, then the layer's own fields. */
function withLayer<R extends Sized>(
  { schema, scale, notes }: RecipeSources<R>,
  where: string,
  recipe: R,
  layer: Readonly<Record<string, unknown>>,
): Scaled<R> {
  // Everything is checked before anything is computed from it.
  checkJson(where, schema, mergeJson(recipe, layer));
  const { steps, batchSize, microBatchSize, blockSize } = layer as RecipeSize;
  const scaled = scale(recipe, { steps, batchSize, microBatchSize, blockSize });
  const after = checkJson(where, schema, mergeJson(scaled.recipe, layer));
  // What the layer says itself was not scaled; but how much a batch has become is worth a note.
  const said = { ...layer, batchSize: undefined, blockSize: undefined };
  return { recipe: after, notes: notes(checkJson(where, schema, mergeJson(recipe, said)), after) };
}

/** What was changed so that the recipe fits the size that was asked for. */
export function sayScaled(io: Io, name: string, notes: readonly string[]): void {
  if (notes.length > 0) io.err(`${name}, scaled:\n${notes.map((note) => `  ${note}\n`).join("")}`);
}
