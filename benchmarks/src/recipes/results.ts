/** What the comparison of recipes measured, as JSON and as a table. */
import { z } from "zod";

const rowSchema = z.object({
  name: z.string(),
  steps: z.number(),
  seed: z.number(),
  /** Trained on in the removal, the control's apart. */
  tokens: z.number(),
  /** Looked at besides, by an adaptive pace. */
  probedTokens: z.number(),
  /** The most by which a batch's loss was above the control's on the same batch, in nats; or the KL to the original. */
  worstSpike: z.number(),
  /** Updates after which the last norm or constant was gone. */
  lastRemoval: z.number(),
  rollbacks: z.number(),
  /** Nats on the validation set. */
  original: z.number(),
  /** None where it was distilled. */
  control: z.number().optional(),
  folded: z.number(),
  /** Of the removal, its validations and its fold included. */
  seconds: z.number(),
});
export type RecipeRow = z.infer<typeof rowSchema>;

const resultsSchema = z.object({
  backend: z.string(),
  validationTokens: z.number(),
  rows: z.array(rowSchema),
});
export type RecipeResults = z.infer<typeof resultsSchema>;

export function parseRecipeResults(text: string): RecipeResults {
  return resultsSchema.parse(JSON.parse(text));
}

/** The rows of several runs as those of one. @throws Error when they are not of one backend and one validation set, or have a run twice. */
export function joinResults(runs: readonly RecipeResults[]): RecipeResults {
  const [{ backend, validationTokens }] = runs;
  const other = runs.find((run) => run.backend !== backend || run.validationTokens !== validationTokens);
  if (other) {
    throw new Error(
      `results of ${backend} on ${validationTokens} validation tokens and of ${other.backend} on ` +
        `${other.validationTokens} cannot be joined: run them the same way`,
    );
  }
  const rows = runs.flatMap(({ rows }) => rows);
  const seen = new Set<string>();
  for (const { name, steps, seed } of rows) {
    const key = `${name}, ${steps} updates, seed ${seed}`;
    if (seen.has(key)) throw new Error(`these results have ${key} twice, which would count double`);
    seen.add(key);
  }
  return { backend, validationTokens, rows };
}

/** Nats above the control, or above the original where it was distilled. */
export function gapOf({ folded, control, original }: RecipeRow): number {
  return folded - (control ?? original);
}

export interface RecipeTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/**
 * One line a contender: means over the seeds, and the range of the gap; by updates, then the lowest loss first. With
 * numbers of updates that only some had, these are left to the other table (budgets.ts).
 */
export function recipeTable({ rows }: RecipeResults): RecipeTable {
  const namesAt = (steps: number) =>
    new Set(rows.filter((row) => row.steps === steps).map(({ name }) => name));
  const all = Math.max(...rows.map(({ steps }) => namesAt(steps).size));
  const groups = new Map<string, RecipeRow[]>();
  for (const row of rows) {
    if (namesAt(row.steps).size < all) continue;
    const key = `${row.steps} ${row.name}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const lines = [...groups.values()].map((group) => {
    const mean = (of: (row: RecipeRow) => number) =>
      group.reduce((sum, row) => sum + of(row), 0) / group.length;
    return { group, mean, gaps: group.map(gapOf), above: mean(({ folded, original }) => folded - original) };
  });
  lines.sort((a, b) => b.group[0].steps - a.group[0].steps || a.above - b.above);
  return {
    head: [
      "recipe",
      "updates",
      "tokens",
      "probed",
      "last removal",
      "worst spike",
      "above original",
      "gap to control",
      "range",
    ],
    rows: lines.map(({ group, mean, gaps, above }) => [
      group[0].name,
      String(group[0].steps),
      millions(mean(({ tokens }) => tokens)),
      mean(({ probedTokens }) => probedTokens) === 0
        ? ""
        : Math.round(mean(({ probedTokens }) => probedTokens)).toLocaleString("en-US"),
      mean(({ lastRemoval }) => lastRemoval).toFixed(0),
      mean(({ worstSpike }) => worstSpike).toFixed(3),
      above.toFixed(4),
      group.some(({ control }) => control === undefined) ? "" : mean(gapOf).toFixed(4),
      `${Math.min(...gaps).toFixed(4)} to ${Math.max(...gaps).toFixed(4)}`,
    ]),
  };
}

const millions = (count: number) => `${(count / 1e6).toFixed(2)}M`;

/** What the figures are, under the table. */
export function recipeNote({ backend, validationTokens, rows }: RecipeResults): string {
  const seeds = [...new Set(rows.map(({ seed }) => seed))];
  return (
    `Means over seeds ${seeds.join(", ")}; nats a token on the first ${validationTokens.toLocaleString("en-US")} ` +
    `validation tokens of the model that ships. One training for all (the reference recipe's, at so many updates), so that ` +
    `each seed has one control; what is distilled has the original for it. Range: of the gap over the seeds. Worst spike: the ` +
    `most that a batch's loss was above the control's on the same batch, or the KL to the original. ${backend}.`
  );
}
