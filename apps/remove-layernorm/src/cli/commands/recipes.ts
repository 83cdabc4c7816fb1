/** `normless recipes`: the built-in recipes, and one of them whole. */
import type { Io } from "../io.js";
import * as shared from "../options.js";
import { unknownRecipe } from "../recipes.js";
import { thousands } from "../format.js";
import { table } from "../tables.js";
import { describePace, removalRecipes, SINK_RATIO } from "../../core/index.js";

export function recipesCommand(io: Io) {
  const command = shared.command("recipes", "The built-in recipes for remove, and where each is from", [
    "",
    "show baroni-2025-small",
    "show adaptive > mine.json",
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
    "recipe",
    "loss",
    "updates",
    "tokens an update",
    "aux λ",
    "special constants",
    "pace",
    "on a sink",
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
