/** `normless recipes`: the built-in recipes, one of them whole, and the plan of one. */
import { checkSteps } from "../options/check-steps.js";
import { UsageError } from "../errors.js";
import { knownShape } from "../models/known-shape.js";
import { thousands } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { command } from "../options/command.js";
import { modelOption } from "../options/options.js";
import { sitesOption, stepsOption } from "../options/recipe-options.js";
import { layersOption } from "../options/shape-options.js";
import { resolveRecipe, sayScaled, unknownRecipe } from "../remove/recipes.js";
import { removalRecipeSchema } from "../json/schemas.js";
import { table } from "../terminal/table.js";
import { removalLines } from "../terminal/tables.js";
import {
  describePace,
  plan,
  type PlannedModel,
  removalNotes,
  type RemovalRecipe,
  removalRecipes,
  scaleRecipe,
  SINK_RATIO,
} from "@normless/removal";

export interface PlanOptions {
  readonly layers?: number | undefined;
  readonly model?: string | undefined;
  readonly steps?: number | undefined;
  readonly sites?: readonly string[] | undefined;
}

export function recipesCommand(io: Io) {
  const recipes = command("recipes", "The built-in recipes for remove, and where each is from", [
    "",
    "show baroni-2025-small",
    "show distilled > mine.json",
    "plan baroni-2025-xl",
    "plan mine.json",
  ]);
  recipes.action(() => listRecipes(io));
  recipes
    .command("show")
    .description("One recipe as JSON, as `normless remove --recipe FILE.json` takes it")
    .argument("<name>", "a recipe's name")
    .action((name) => showRecipe(io, name));
  recipes
    .command("plan")
    .description("What goes when by a recipe, a line an event; no model is needed for it")
    .argument("<name|file.json>", "a recipe's name or file")
    .addOption(modelOption("the one that the recipe was made for"))
    .addOption(layersOption("the model's"))
    .addOption(stepsOption)
    .addOption(sitesOption)
    .action((name, options) => showPlan(io, name, options));
  return recipes;
}

function listRecipes(io: Io): void {
  const recipes = Object.values(removalRecipes);
  const rows = recipes.map(
    ({ name, loss, steps, batchSize, blockSize, auxiliaryWeight, constants, pace, failsOnSink }) => [
      name,
      loss,
      thousands(steps),
      thousands(batchSize * blockSize),
      auxiliaryWeight === 0 ? "" : String(auxiliaryWeight),
      pace.kind === "taper" ? "calibrated" : constants.special,
      describePace(pace),
      failsOnSink ? "fails" : "",
    ],
  );
  const head = [
    ...["recipe", "loss", "updates", "tokens an update", "aux λ", "special constants", "pace", "on a sink"],
  ];
  io.out(table(io, head, rows));
  for (const { name, source, failsOnSink: fails } of recipes) {
    const warning = fails ? `  Fails on a sink: ${fails.how}. Take ${fails.instead} there.\n` : "";
    io.out(`\n${io.colors.bold(name)}\n  ${source}\n${warning}`);
  }
  io.out(
    `\nA sink: a first position whose std is ${SINK_RATIO} times that of the rest or more at the middle layers, as in GPT-2.\n`,
  );
}

function showRecipe(io: Io, name: string): void {
  if (!Object.hasOwn(removalRecipes, name)) throw unknownRecipe(removalRecipes, JSON.stringify(name));
  io.out(`${JSON.stringify(removalRecipes[name], undefined, 2)}\n`);
}

async function showPlan(io: Io, name: string, options: PlanOptions): Promise<void> {
  const { steps, sites } = options;
  const { recipe, notes, withSteps } = await resolveRecipe({
    builtIn: removalRecipes,
    schema: removalRecipeSchema,
    asked: name,
    options: { steps, sites },
    scale: scaleRecipe,
    notes: removalNotes,
  });
  sayScaled(io, recipe.name, notes);
  const model = await modelOf(recipe, options);
  checkSteps(recipe, model, withSteps);
  const { batchSize, blockSize } = recipe;
  io.out(
    `${io.colors.bold(recipe.name)}, for ${model.name}: ${thousands(recipe.steps)} updates of ` +
      `${batchSize} × ${blockSize} tokens\n\n${removalLines(io, { removals: plan(recipe, model) })}` +
      `${String(recipe.steps).padStart(5)}  the end\n`,
  );
}

interface NamedModel extends PlannedModel {
  readonly name: string;
}

/** @throws UsageError where nothing tells the number of layers. */
async function modelOf(
  { name, madeFor }: RemovalRecipe,
  { layers, model }: PlanOptions,
): Promise<NamedModel> {
  if (layers !== undefined && model !== undefined) {
    throw new UsageError("--layers and --model both say how many layers there are; give one of them");
  }
  if (layers !== undefined) return { name: `${layers} layers`, layers };
  if (model !== undefined) {
    const { config, norms } = await knownShape(model, "--layers N");
    return { name: `${config.layers} layers (${model})`, layers: config.layers, norms };
  }
  if (madeFor) return { name: `${madeFor.layers} layers (${madeFor.model})`, layers: madeFor.layers };
  throw new UsageError(`${name} does not say which model it was made for; give --layers N or --model DIR`);
}
