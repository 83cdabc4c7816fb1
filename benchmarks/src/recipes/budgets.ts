/** How many tokens each recipe needs to reach a gap, from its gaps at several numbers of updates. */
import { unique } from "../results.js";
import { gapOf, type RecipeResults, type RecipeRow, type RecipeTable } from "./results.js";

/** A run, or the mean of several. */
export interface Point {
  readonly steps: number;
  /** Trained on and probed. */
  readonly tokens: number;
  /** Nats above the control. */
  readonly gap: number;
}

export interface Curve {
  readonly name: string;
  /** Means over the seeds, by updates. */
  readonly mean: readonly Point[];
  /** The same of each seed. */
  readonly seeds: readonly { readonly seed: number; readonly points: readonly Point[] }[];
}

/** By whose gaps the others are measured. */
const STANDARD = "reference";

/** The contenders that were run with more than one number of updates, in the order in which they were run. */
export function curvesOf({ rows }: RecipeResults): Curve[] {
  const names = unique(rows.map(({ name }) => name));
  return names.flatMap((name) => {
    const mine = rows.filter((row) => row.name === name);
    const steps = unique(mine.map((row) => row.steps)).sort((a, b) => a - b);
    if (steps.length < 2) return [];
    const points = (some: readonly RecipeRow[]): Point[] =>
      steps.flatMap((count) => {
        const runs = some.filter((row) => row.steps === count).map(pointOf);
        if (runs.length === 0) return [];
        const mean = (of: (point: Point) => number) =>
          runs.reduce((sum, run) => sum + of(run), 0) / runs.length;
        return [{ steps: count, tokens: mean(({ tokens }) => tokens), gap: mean(({ gap }) => gap) }];
      });
    const seeds = unique(mine.map(({ seed }) => seed)).map((seed) => ({
      seed,
      points: points(mine.filter((row) => row.seed === seed)),
    }));
    return [{ name, mean: points(mine), seeds }];
  });
}

function pointOf(row: RecipeRow): Point {
  return { steps: row.steps, tokens: row.tokens + row.probedTokens, gap: gapOf(row) };
}

/** Tokens, or that they are fewer or more than any run had. */
export interface Needed {
  readonly tokens: number;
  readonly bound?: "<" | ">";
}

/**
 * Tokens after which a curve is first at `gap`: a straight line between two runs where both scales are logarithmic, as a
 * gap that falls like a power of the tokens is one.
 */
export function tokensTo(points: readonly Point[], gap: number): Needed {
  const i = points.findIndex((point) => point.gap <= gap);
  if (i < 0) return { tokens: points[points.length - 1].tokens, bound: ">" };
  if (i === 0) return { tokens: points[0].tokens, ...(points[0].gap < gap && { bound: "<" as const }) };
  const [before, after] = [points[i - 1], points[i]];
  const part = Math.log(before.gap / gap) / Math.log(before.gap / after.gap);
  return { tokens: before.tokens * (after.tokens / before.tokens) ** part };
}

/**
 * One line a contender: the tokens that it needs to be where the reference is after so many updates; how many times the
 * reference's they are, and the range of that over the seeds, each against its own reference.
 */
export function budgetTable(results: RecipeResults): RecipeTable | undefined {
  const curves = curvesOf(results);
  const standard = curves.find(({ name }) => name === STANDARD);
  if (!standard) return undefined;
  const ratios = ({ seeds }: Curve, steps: number): (number | undefined)[] =>
    seeds.map(({ seed, points }) => {
      const theirs = standard.seeds.find((one) => one.seed === seed)?.points;
      const at = theirs?.find((point) => point.steps === steps);
      const needed = at && tokensTo(points, at.gap);
      return needed && needed.bound === undefined ? needed.tokens / at.tokens : undefined;
    });
  return {
    head: [
      "tokens to",
      ...standard.mean.map(({ steps, gap }) => `${gap.toFixed(4)} (${STANDARD}, ${steps})`),
    ],
    rows: curves.map((curve) => {
      const cells = standard.mean.map(({ steps, gap, tokens }) => {
        const { tokens: needed, bound } = tokensTo(curve.mean, gap);
        if (bound !== undefined) return `${bound} ${millions(needed)}`;
        return `${millions(needed)}, ×${(needed / tokens).toFixed(2)}${rangeOf(ratios(curve, steps))}`;
      });
      return [curve.name, ...cells];
    }),
  };
}

/** Nothing where a seed has no figure, or there is but one. */
function rangeOf(ratios: readonly (number | undefined)[]): string {
  const known = ratios.filter((ratio) => ratio !== undefined);
  if (known.length < Math.max(2, ratios.length)) return "";
  const [low, high] = [Math.min(...known).toFixed(2), Math.max(...known).toFixed(2)];
  return low === high ? "" : ` (${low} to ${high})`;
}

export const budgetNote =
  "Tokens that a recipe needs, probed ones included, to come as near to its control as the reference does after so many " +
  "updates: means over the seeds, between two runs on a straight line of logarithms. Behind them, how many times the " +
  "reference's they are, and the range over the seeds, each against its own reference. < and >: fewer, or more, than any run had. What is " +
  "distilled is held against the original, and a token of it costs a third more, since the original predicts it, too.";

export const millions = (tokens: number) => `${(tokens / 1e6).toFixed(3)}M`;
