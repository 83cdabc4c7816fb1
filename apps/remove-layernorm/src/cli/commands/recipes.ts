/** `normless recipes`: the built-in recipes, and one of them whole. */
import type { Io } from "../io.js";
import * as shared from "../options.js";
import { unknownRecipe } from "../recipes.js";
import { thousands } from "../format.js";
import { table } from "../tables.js";
import { describePace, removalRecipes } from "../../core/index.js";

export function recipesCommand(io: Io) {
  const command = shared.command("recipes", "The built-in recipes for remove, and where each is from", [
    "",
    "show baroni-2025-small",
    "show distilled > mine.json",
  ]);
  command.action(() => listRecipes(io));
  command
    .command("show")
    .description("One recipe as JSON, as `normless remove --recipe FILE.json` takes it")
    .argument("<name>", "a recipe's name")
    .action((name) => showRecipe(io, name));
  return command;
}

function listRecipes(io: Io): void {
  const recipes = Object.values(removalRecipes);
  const rows = recipes.map(
    ({ name, loss, steps, batchSize, blockSize, auxiliaryWeight, constants, pace }) => [
      name,
      loss,
      thousands(steps),
      thousands(batchSize * blockSize),
      auxiliaryWeight === 0 ? "" : String(auxiliaryWeight),
      pace.kind === "taper" ? "calibrated" : constants.special,
      describePace(pace),
    ],
  );
  const head = ["recipe", "loss", "updates", "tokens an update", "aux λ", "special constants", "pace"];
  io.out(table(io, head, rows));
  for (const { name, source } of recipes) io.out(`\n${io.colors.bold(name)}\n  ${source}\n`);
}

function showRecipe(io: Io, name: string): void {
  if (!Object.hasOwn(removalRecipes, name)) throw unknownRecipe(removalRecipes, JSON.stringify(name));
  io.out(`${JSON.stringify(removalRecipes[name], undefined, 2)}\n`);
}
