/** Tables for the terminal: the plan before a run, the result after it. */
import type { NormTable } from "@normless/gpt2";
import {
  controlSteps,
  describeRemoval,
  type Extent,
  type PlanEvent,
  type Summary,
  type Contender,
} from "@normless/removal";
import { stepBytes } from "@normless/train";
import type { RowKind } from "@normless/evaluate";
import { extentRows, resultName } from "./extent.js";
import { bytes, difference, thousands, withInterval } from "./format.js";
import type { Io } from "./io.js";
import { notMeasuredText } from "./position-text.js";
import { table } from "./table.js";

const contenders = (extent: Extent): readonly (readonly [Contender, string])[] => [
  ["original", "original"],
  ["control", "control (LayerNorm kept)"],
  ["frozen", `${resultName(extent)} (frozen)`],
  ["folded", `${resultName(extent)} (folded)`],
];

/** The validation, and where the text has documents, their beginnings after end-of-text. */
export function resultTable(
  io: Io,
  { validation, validated }: Pick<Summary, "validation" | "validated">,
  extent: Extent,
): string {
  const { control } = validation;
  const row = (kind: RowKind, [model, name]: readonly [Contender, string]) => {
    const { positions, toControl } = validated[model] ?? {};
    const all = positions?.kinds.find((one) => one.kind === kind)?.all;
    if (!all) return [];
    const { loss, toFirst } = all;
    const lnFree = model === "frozen" || model === "folded";
    const [same] = kind === "plain" && control !== undefined ? [{ value: loss.value - control }] : [];
    const gap = lnFree ? (toControl?.[kind] ?? same) : undefined;
    return [
      [
        kind === "plain" ? name : `${name}, document starts`,
        loss.value.toFixed(4),
        toFirst ? withInterval(toFirst, difference) : "",
        ...(control === undefined ? [] : [gap ? withInterval(gap, difference) : ""]),
      ],
    ];
  };
  const rows = (kind: RowKind) => contenders(extent).flatMap((contender) => row(kind, contender));
  const others = control === undefined ? ["to original"] : ["to original", "to control"];
  const missing = notMeasuredText(validated.original?.positions.notMeasured ?? []);
  return (
    table(
      io,
      ["model", "validation cross-entropy (nats/token)", ...others],
      [...rows("plain"), ...rows("eot-document")],
    ) +
    "In brackets: 95 % intervals, over sequences\n" +
    missing.map((line) => `${line}\n`).join("")
  );
}

const lookText = ({ evaluateEvery }: PlanEvent["recipe"]) =>
  evaluateEvery === 0 ? "" : `; a look at a few rows every ${evaluateEvery} updates`;

/** What a plan's text tells besides the plan. */
export interface PlanFacts {
  readonly parameters: number;
  readonly recompute: boolean;
  readonly norms: NormTable;
  /** What was estimated. */
  readonly more: readonly (readonly [name: string, text: string])[];
}

/** Names and what belongs to them, in two columns. */
export function factLines(io: Io, facts: readonly (readonly [name: string, text: string])[]): string {
  const width = Math.max(10, ...facts.map(([name]) => name.length)) + 1;
  return facts.map(([name, text]) => `${io.colors.bold(name.padEnd(width))}${text}\n`).join("");
}

/** Removals at their steps, a line each. */
export function removalLines(io: Io, { removals }: Pick<PlanEvent, "removals">): string {
  const lines = removals.map(
    (removal) => `${String(removal.step).padStart(5)}  ${describeRemoval(removal)}\n`,
  );
  return `${io.colors.bold(" step  what goes after so many updates")}\n${lines.join("")}`;
}

/** What a run will do, before it does it. */
export async function planText(io: Io, plan: PlanEvent, options: PlanFacts): Promise<string> {
  const { parameters, recompute, norms, more } = options;
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
    ["validation", `${control > 0 ? 4 : 3} × ${thousands(plan.validationTokens)} tokens${lookText(recipe)}`],
    [
      "memory",
      `${bytes(await stepBytes({ config, norms, recipe, recompute, distilled: control === 0 }))} in tensors at the height of an update`,
    ],
  ];
  const all = [...facts, ...more, ...extentRows(plan)];
  return `${factLines(io, all)}\n${removalLines(io, plan)}`;
}
