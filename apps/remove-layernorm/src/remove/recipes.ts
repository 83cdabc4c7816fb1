/** The recipe of a run out of its layers: the built-in one, a recipe file or fields, the options of the command line. */
import type { z } from "zod";
import { UsageError } from "../errors.js";
import type { Io } from "../terminal/io.js";
import { checkJson, isObject, mergeJson, readJson } from "../json/json.js";
import { didYouMean, nearest } from "../options/nearest.js";
import { type RateScaling, type RecipeSize, scaleRate, type TrainingRecipe } from "@normless/train";

/** Recipe fields that are options of the command line. */
export interface RecipeOptions {
  readonly steps?: number | undefined;
  readonly batchSize?: number | undefined;
  readonly microBatchSize?: number | undefined;
  readonly blockSize?: number | undefined;
  /** The peak; the floor keeps its proportion. */
  readonly learningRate?: number | undefined;
  readonly seed?: number | undefined;
  /** Infinity is all of them. */
  readonly validationTokens?: number | undefined;
  readonly checkpointEvery?: number | undefined;
  readonly auxiliaryWeight?: number | undefined;
  readonly evaluateEvery?: number | undefined;
  readonly eotShare?: number | undefined;
  readonly shortShare?: number | undefined;
  readonly moments?: TrainingRecipe["moments"] | undefined;
  readonly sites?: readonly string[] | undefined;
}

/** The recipe's fields out of all of a command's options. */
export function recipeOptions(options: RecipeOptions): RecipeOptions {
  const names = ["steps", "batchSize", "microBatchSize", "blockSize", "learningRate", "seed"] as const;
  const others = ["validationTokens", "checkpointEvery", "auxiliaryWeight", "evaluateEvery"] as const;
  const more = ["eotShare", "shortShare", "moments", "sites"] as const;
  const fields = Object.fromEntries([...names, ...others, ...more].map((name) => [name, options[name]]));
  // A recipe, which is plain JSON, says it so.
  return options.validationTokens === Infinity ? { ...fields, validationTokens: 0 } : fields;
}

/** Whether a recipe is asked for by its file. */
export function isRecipeFile(asked: unknown): asked is string {
  return typeof asked === "string" && asked.endsWith(".json");
}

export interface RecipeSources<R extends TrainingRecipe> {
  readonly builtIn: Readonly<Record<string, R>>;
  readonly schema: z.ZodType<R>;
  /** A built-in recipe's name, a file's path, or fields over a built-in one. */
  readonly asked: string | Record<string, unknown> | undefined;
  /** Where the recipe was asked for, in errors: a file of options, or the command line. */
  readonly where?: string | undefined;
  readonly options: RecipeOptions;
  /** What becomes of a learning rate that was chosen for other updates; default none. */
  readonly scaleLearningRate?: RateScaling | undefined;
  /** What follows from other steps or another batch. */
  readonly scale: (recipe: R, size: RecipeSize) => Scaled<R>;
  /** What scaling made of the first recipe, in words. */
  readonly notes: (before: R, after: R) => readonly string[];
}

interface Scaled<R> {
  readonly recipe: R;
  readonly notes: readonly string[];
}

/** A recipe so far. */
interface Layered<R> extends Scaled<R> {
  /** Tokens an update that its learning rate was chosen for. */
  readonly chosenFor: number;
}

interface Resolved<R> extends Scaled<R> {
  /** The same recipe with other steps asked for on the command line. */
  readonly withSteps: (steps: number) => R;
  /** The same on a model: rows that nobody asked for are no longer than its context, in tokens. */
  readonly inContext: (context: number) => Resolved<R>;
}

/**
 * The recipe, and what was changed so that it fits a size that was asked for.
 * @throws UsageError naming the file or option, the field and what is expected.
 */
export async function resolveRecipe<R extends TrainingRecipe>(
  sources: RecipeSources<R>,
): Promise<Resolved<R>> {
  const { options, scaleLearningRate = "none" } = sources;
  if (options.learningRate !== undefined && scaleLearningRate !== "none") {
    throw new UsageError(
      `--learning-rate says the rate, and --scale-learning-rate ${scaleLearningRate} would change it; give one of them`,
    );
  }
  return resolved(sources, await askedRecipe(sources));
}

function resolved<R extends TrainingRecipe>(
  sources: RecipeSources<R>,
  asked: Layered<R>,
  context = Infinity,
): Resolved<R> {
  const { options, scaleLearningRate = "none" } = sources;
  const { recipe, notes } = asked;
  const { learningRate: peak, ...fields } = options;
  const floor =
    peak === undefined ? undefined : (recipe.learningRate.floor * peak) / recipe.learningRate.peak;
  const tooLong = options.blockSize === undefined && recipe.blockSize > context;
  const layer = {
    ...fields,
    ...(tooLong && { blockSize: context }),
    ...(peak !== undefined && { learningRate: { peak, floor } }),
  };
  const change = (more: object) => {
    const layered = withLayer(sources, "the options", asked, { ...layer, ...more });
    const { chosenFor } = layered;
    const rate = scaleRate(
      layered.recipe.learningRate,
      { chosenFor, tokens: tokensOf(layered.recipe) },
      scaleLearningRate,
    );
    return { ...layered, recipe: { ...layered.recipe, learningRate: rate.learningRate }, ofRate: rate.notes };
  };
  const changed = change({});
  const way = scaleLearningRate === "none" ? " (--scale-learning-rate sqrt)" : "";
  return {
    recipe: changed.recipe,
    notes: [
      ...notes,
      ...(tooLong ? [`block size: ${recipe.blockSize} → ${context} tokens, the model's context`] : []),
      ...changed.notes,
      ...changed.ofRate.map((note) => note + way),
    ],
    withSteps: (steps) => change({ steps }).recipe,
    inContext: (tokens) => resolved(sources, asked, tokens),
  };
}

/** Tokens an update. */
function tokensOf({ batchSize, blockSize }: TrainingRecipe): number {
  return batchSize * blockSize;
}

async function askedRecipe<R extends TrainingRecipe>(sources: RecipeSources<R>): Promise<Layered<R>> {
  const { builtIn, asked } = sources;
  const [standard] = Object.values(builtIn);
  if (asked === undefined) return asItIs(standard);
  if (typeof asked !== "string")
    return fromFields(sources, `${sources.where ?? "the options"}: recipe`, asked);
  if (Object.hasOwn(builtIn, asked)) return asItIs(builtIn[asked]);
  if (!isRecipeFile(asked)) throw unknownRecipe(builtIn, JSON.stringify(asked), sources.where);
  const file = await readJson(asked);
  if (!isObject(file)) throw new UsageError(`${asked} is no JSON object; it must hold a recipe's fields`);
  return fromFields(sources, asked, file);
}

function asItIs<R extends TrainingRecipe>(recipe: R): Layered<R> {
  return { recipe, notes: [], chosenFor: tokensOf(recipe) };
}

/** Fields over those of the recipe that `base` names, or of the first built-in one. */
function fromFields<R extends TrainingRecipe>(
  sources: RecipeSources<R>,
  where: string,
  { base, ...fields }: Readonly<Record<string, unknown>>,
): Layered<R> {
  const { builtIn, schema } = sources;
  const [standard] = Object.values(builtIn);
  const known = ["base", ...Object.keys(standard)];
  const slip = Object.keys(fields).find((name) => !known.includes(name) && nearest(name, known) === "base");
  if (slip !== undefined) throw new UsageError(`${where}: there is no field "${slip}". Did you mean "base"?`);
  // A recipe that is whole is over none.
  const whole = base === undefined ? schema.safeParse(fields).data : undefined;
  if (whole !== undefined) return asItIs(whole);
  if (base === undefined) return withLayer(sources, where, asItIs(standard), fields);
  if (typeof base !== "string" || !Object.hasOwn(builtIn, base))
    throw unknownRecipe(builtIn, JSON.stringify(base), where);
  return withLayer(sources, where, asItIs(builtIn[base]), fields);
}

/** `where`: the file that asks for it, if one does. */
export function unknownRecipe(
  builtIn: Readonly<Record<string, unknown>>,
  asked: string,
  where?: string,
): UsageError {
  const names = Object.keys(builtIn).join(", ");
  return new UsageError(
    `${where ? `${where}: ` : ""}there is no recipe ${asked}; the built-in ones are: ${names}.${didYouMean(asked, Object.keys(builtIn))} Or give a recipe's file, ending in .json`,
  );
}

/** The recipe at the size that the layer asks for, then the layer's own fields. */
function withLayer<R extends TrainingRecipe>(
  { schema, scale, notes }: RecipeSources<R>,
  where: string,
  { recipe, chosenFor }: Layered<R>,
  layer: Readonly<Record<string, unknown>>,
): Layered<R> {
  // Everything is checked before anything is computed from it.
  checkJson(where, schema, mergeJson(recipe, layer));
  const { steps, batchSize, microBatchSize, blockSize, learningRate } = layer as Partial<TrainingRecipe>;
  const scaled = scale(recipe, { steps, batchSize, microBatchSize, blockSize });
  const after = checkJson(where, schema, mergeJson(scaled.recipe, layer));
  // What the layer says itself was not scaled; but how much a batch has become is worth a note.
  const said = { ...layer, batchSize: undefined, blockSize: undefined };
  return {
    recipe: after,
    notes: notes(checkJson(where, schema, mergeJson(recipe, said)), after),
    // A rate that is said is meant for the updates that it is said with.
    chosenFor: learningRate?.peak === undefined ? chosenFor : tokensOf(after),
  };
}

/** What was changed so that the recipe fits the size that was asked for. */
export function sayScaled(io: Io, name: string, notes: readonly string[]): void {
  if (notes.length > 0) io.err(`${name}, scaled:\n${notes.map((note) => `  ${note}\n`).join("")}`);
}
