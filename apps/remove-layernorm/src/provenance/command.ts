/** The command line that does a run again. */
import { isDeepStrictEqual } from "node:util";
import type { EngineUsed } from "../engine/engine.js";
import { optionWords } from "../options/option-words.js";
import { inputsOf } from "../options/outputs.js";
import { isRecipeFile, recipeOptions } from "../remove/recipes.js";
import { normlessCommand } from "../shell.js";
import { publicPath } from "./public-path.js";
import { hubSource } from "./sources.js";

/** Options that say how or where a run is run, and nothing of what it does. */
const LEFT_OUT = ["config", "resume", "force", "dryRun", "out", "threads", "tensorboard"];
/** Options that a whole recipe holds, besides those of its fields. */
const OTHERS_IN_RECIPE = ["scaleLearningRate", "sharedQkvStd", "bugCompatible", "gapFactor"];
/** Engines whose builds differ in their last bits. */
const WITH_BUILDS = ["wasm", "blas"];

/** The file that the command reads a recipe from which has no name. */
export const RECIPE_FILE = "recipe.json";

export interface Repeatable {
  readonly command: "remove" | "train";
  /** Everything that was asked for, on the command line and in files of options. */
  readonly options: object;
  /** The folder of the model that was asked for, if one was. */
  readonly modelFolder?: string | undefined;
  /** What the run was resolved to. */
  readonly recipe: object;
  readonly engine: EngineUsed;
  readonly builtIn: Readonly<Record<string, object>>;
}

/** With paths as publicPath shows them; a recipe that no name and no option tell whole is `--recipe recipe.json`. */
export function repeatCommand({
  command,
  options,
  modelFolder,
  recipe,
  engine,
  builtIn,
}: Repeatable): string {
  const { backend: _backend, simd: _simd, blasLibrary: _library, ...asked } = options as Options;
  const named = recipeArgument(asked["recipe"], recipe, builtIn);
  const given: Options = { ...asked, recipe: named.argument };
  if (named.isWhole) {
    for (const name of [...Object.keys(recipeOptions({})), ...OTHERS_IN_RECIPE]) delete given[name];
  }
  const hub = modelFolder === undefined ? undefined : hubSource(modelFolder);
  if (hub && given["model"] !== undefined) given["model"] = `${hub.name}@${hub.revision}`;
  const paths = inputsOf({ ...given, ...(hub && { model: undefined }) });
  const said = Object.fromEntries(Object.entries(given).filter(([name]) => !LEFT_OUT.includes(name)));
  const words = optionWords(said, (option, word) => (option in paths ? publicPath(word) : word));
  const argv = [command, ...words];
  if (engine.backend !== "wasm") argv.push("--backend", engine.backend);
  if (WITH_BUILDS.includes(engine.backend) && engine.simd) argv.push("--simd", engine.simd);
  if (engine.blasLibrary !== undefined) argv.push("--blas-library", publicPath(engine.blasLibrary));
  return normlessCommand(argv);
}

type Options = Record<string, unknown>;

interface RecipeArgument {
  readonly argument: string | undefined;
  /** Whether it says everything that options may say, too. */
  readonly isWhole: boolean;
}

function recipeArgument(
  asked: unknown,
  recipe: object,
  builtIn: Readonly<Record<string, object>>,
): RecipeArgument {
  const names = Object.keys(builtIn);
  const same = names.find((name) => isDeepStrictEqual(builtIn[name], recipe));
  if (same !== undefined) return { argument: same, isWhole: true };
  if (asked === undefined) return { argument: names[0], isWhole: false };
  if (typeof asked === "string" && !isRecipeFile(asked)) return { argument: asked, isWhole: false };
  return { argument: RECIPE_FILE, isWhole: true };
}
