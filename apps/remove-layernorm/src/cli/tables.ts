/** Tables for the terminal: the plan before a run, the result after it. */
import Table from "cli-table3";
import type { Contender, Extent, PlanEvent, Summary } from "../core/index.js";
import { controlSteps, describePace, describeRemoval, stepBytes } from "../core/index.js";
import { extentRows, resultName } from "./extent.js";
import { bytes, difference, thousands } from "./format.js";
import type { Io } from "./io.js";

type Cells = readonly string[];

/** Columns after the first `names` are numbers, to the right. */
export function table(io: Io, head: Cells, rows: readonly Cells[], names = 1): string {
  const made = new Table({
    head: head.map((cell) => io.colors.bold(cell)),
    colAligns: head.map((_, column) => (column < names ? "left" : "right")),
    // Colours are this command's choice, not the library's.
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows) made.push([...row]);
  return `${made.toString()}\n`;
}

const contenders = (extent: Extent): readonly (readonly [Contender, string])[] => [
  ["original", "original"],
  ["control", "control (LayerNorm kept)"],
  ["frozen", `${resultName(extent)} (frozen)`],
  ["folded", `${resultName(extent)} (folded)`],
];

export function resultTable(io: Io, { validation }: Pick<Summary, "validation">, extent: Extent): string {
  const { original, control } = validation;
  const rows = contenders(extent).flatMap(([model, name]) => {
    const loss = validation[model];
    if (loss === undefined) return [];
    const toOriginal = model === "original" ? "" : difference(loss - original);
    const lnFree = model === "frozen" || model === "folded";
    const toControl = control === undefined ? [] : [lnFree ? difference(loss - control) : ""];
    return [[name, loss.toFixed(4), toOriginal, ...toControl]];
  });
  const others = control === undefined ? ["to original"] : ["to original", "to control"];
  return table(io, ["model", "validation loss (nats/token)", ...others], rows);
}

/** What a run will do, before it does it. */
export async function planText(io: Io, plan: PlanEvent, options: { parameters: number; recompute: boolean }) {
  const { parameters, recompute } = options;
  const { recipe, config } = plan;
  const control = controlSteps(recipe);
  const updates = `${recipe.steps} updates of ${recipe.batchSize} × ${recipe.blockSize} tokens`;
  const tokens = (recipe.steps + control) * recipe.batchSize * recipe.blockSize;
  const facts: [string, string][] = [
    [
      "model",
      `${config.layers} layers, ${config.channels} channels, ${config.heads} heads, ${thousands(parameters)} parameters`,
    ],
    ["engine", plan.backend],
    ["recipe", `${recipe.name}, seed ${recipe.seed}`],
    [
      "training",
      control > 0
        ? `2 × ${updates} (control, then removal)`
        : `${updates}, to predict what the original does`,
    ],
    ["tokens", `${thousands(tokens)} trained on, out of a corpus of ${thousands(plan.trainTokens)}`],
    ["validation", `${control > 0 ? 4 : 3} × ${thousands(plan.validationTokens)} tokens`],
    [
      "memory",
      `${bytes(await stepBytes({ config, recipe, recompute, distilled: control === 0 }))} in tensors at the height of an update`,
    ],
  ];
  const rows = [...facts, ...extentRows(plan)];
  const width = Math.max(...rows.map(([name]) => name.length)) + 1;
  const lines = rows.map(([name, text]) => `${io.colors.bold(name.padEnd(width))}${text}\n`);
  const removals = plan.removals.map((removal) => [String(removal.step), describeRemoval(removal)]);
  const steps = removals.map(([step, what]) => `${step.padStart(5)}  ${what}\n`).join("");
  const heading = io.colors.bold(" step  what goes after so many updates");
  return `${lines.join("")}\n${steps === "" ? `${describePace(recipe.pace)}\n` : `${heading}\n${steps}`}`;
}
