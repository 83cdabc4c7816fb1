/** The recipe of a run out of its layers: the built-in one, a recipe file or fields, the options of the command line. */
import type { z } from "zod";
import { UsageError } from "./errors.js";
import { checkJson, isObject, mergeJson, readJson } from "./json.js";

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
}

/** The recipe's fields out of all of a command's options. */
export function recipeOptions(options: RecipeOptions): RecipeOptions {
  const names = ["steps", "batchSize", "microBatchSize", "blockSize", "learningRate", "seed"] as const;
  const others = ["validationTokens", "checkpointEvery", "auxiliaryWeight", "evaluateEvery"] as const;
  return Object.fromEntries([...names, ...others].map((name) => [name, options[name]]));
}

interface Rates {
  readonly steps: number;
  readonly batchSize: number;
  readonly microBatchSize: number;
  readonly learningRate: { readonly peak: number; readonly floor: number };
}

export interface RecipeSources<R extends Rates> {
  readonly builtIn: Readonly<Record<string, R>>;
  readonly schema: z.ZodType<R>;
  /** A built-in recipe's name, a file's path, or fields over the first built-in one. */
  readonly asked: string | Record<string, unknown> | undefined;
  readonly options: RecipeOptions;
}

/**
 * What follows from a field unless it is given itself: the schedule of learning rates is as long as the run, and a
 * micro-batch that no longer divides the batch becomes the batch.
 * @throws UsageError naming the file or option, the field and what is expected.
 */
export async function resolveRecipe<R extends Rates>({
  builtIn,
  schema,
  asked,
  options,
}: RecipeSources<R>): Promise<R> {
  const [standard] = Object.values(builtIn);
  const recipe = await fromLayer(standard, builtIn, schema, asked);
  const { learningRate: peak, ...fields } = options;
  const rates = recipe.learningRate;
  const floor = peak === undefined ? undefined : (rates.floor * peak) / rates.peak;
  const layer = { ...fields, ...(peak !== undefined && { learningRate: { peak, floor } }) };
  return checkJson("the options", schema, withFollowing(recipe, layer));
}

async function fromLayer<R extends Rates>(
  standard: R,
  builtIn: Readonly<Record<string, R>>,
  schema: z.ZodType<R>,
  asked: string | Record<string, unknown> | undefined,
): Promise<R> {
  if (asked === undefined) return standard;
  if (typeof asked !== "string") return checkJson("recipe", schema, withFollowing(standard, asked));
  if (Object.hasOwn(builtIn, asked)) return builtIn[asked];
  if (!asked.endsWith(".json")) {
    const names = Object.keys(builtIn).join(", ");
    throw new UsageError(
      `there is no recipe "${asked}"; the built-in ones are: ${names}. Or give a recipe's file, ending in .json`,
    );
  }
  const file = await readJson(asked);
  if (!isObject(file)) throw new UsageError(`${asked} is no JSON object; it must hold a recipe's fields`);
  return checkJson(asked, schema, withFollowing(standard, file));
}

function withFollowing(base: Rates, layer: Readonly<Record<string, unknown>>): unknown {
  const { steps, batchSize } = layer;
  const following: Record<string, unknown> = {};
  if (typeof steps === "number") following.learningRate = { totalSteps: steps };
  if (typeof batchSize === "number" && batchSize % base.microBatchSize !== 0) {
    following.microBatchSize = batchSize;
  }
  return mergeJson(mergeJson(base, following), layer);
}
