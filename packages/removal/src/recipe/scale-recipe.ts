/** A recipe for another length of run or another size of batch: what follows from the change, in proportion. */
import type { FixedPace, Pace, RemovalRecipe, TaperPace } from "./recipe.js";
import { asked, type RecipeSize, type Scaled, sized, trainingNotes } from "@normless/train";

/**
 * With other `steps` the warm-up, the cosine and the pace of the removals keep their proportion to the run. With
 * another batch, a micro-batch that no longer divides it becomes its largest divisor that is no larger. With another
 * micro-batch the moving mean of the stds keeps looking back over as much text.
 */
export function scaleRecipe(recipe: RemovalRecipe, size: RecipeSize): Scaled<RemovalRecipe> {
  const training = sized(recipe, size);
  const factor = training.steps / recipe.steps;
  const pace = factor === 1 ? recipe.pace : scalePace(recipe.pace, factor);
  const { from } = recipe.constants;
  const change = training.microBatchSize / recipe.microBatchSize;
  const constants =
    from.kind !== "training" || change === 1
      ? recipe.constants
      : { ...recipe.constants, from: { ...from, keep: from.keep ** change } };
  const { evaluateEvery: every } = recipe;
  const evaluateEvery = every === 0 ? 0 : Math.max(1, Math.round(every * factor));
  const scaled = { ...training, pace, constants, evaluateEvery };
  return { recipe: scaled, notes: removalNotes(asked(recipe, size), scaled) };
}

/** What scaling made of a removal's recipe, in words. */
export function removalNotes(before: RemovalRecipe, after: RemovalRecipe): string[] {
  const notes = trainingNotes(before, after);
  const [pace, scaled] = [describePace(before.pace), describePace(after.pace)];
  if (pace !== scaled) notes.push(`removals: ${pace} → ${scaled}`);
  if (before.evaluateEvery !== after.evaluateEvery) {
    notes.push(`looks on the way: every ${before.evaluateEvery} → ${after.evaluateEvery} updates`);
  }
  const [from, to] = [before.constants.from, after.constants.from];
  if (from.kind === "training" && to.kind === "training" && from.keep !== to.keep) {
    notes.push(`moving mean of the stds: keeps ${short(from.keep)} → ${short(to.keep)} a micro-batch`);
  }
  return notes;
}

function scalePace(pace: Pace, factor: number): Pace {
  const whole = (steps: number) => Math.max(1, Math.round(steps * factor));
  switch (pace.kind) {
    case "fixed": {
      const { gaps } = pace;
      return {
        ...pace,
        start: whole(pace.start),
        gaps: {
          ln_2: gaps.ln_2 * factor,
          "ln_1:qk": gaps["ln_1:qk"] * factor,
          "ln_1:v": gaps["ln_1:v"] * factor,
        },
        eotAfter: pace.eotAfter * factor,
        firstAfter: pace.firstAfter * factor,
        ...(pace.stretches && {
          stretches: pace.stretches.map((stretch) => ({ ...stretch, from: stretch.from * factor })),
        }),
      } satisfies FixedPace;
    }
    case "taper": {
      const begin = whole(pace.begin);
      return { ...pace, begin, end: Math.max(begin + 1, whole(pace.end)) } satisfies TaperPace;
    }
  }
}

/** A pace in a few words. */
export function describePace(pace: Pace): string {
  switch (pace.kind) {
    case "fixed": {
      const { gaps, stretches = [] } = pace;
      const changed = stretches.map(({ from, factor }) => `, ×${short(factor)} from step ${short(from)} on`);
      const each = [gaps.ln_2, gaps["ln_1:qk"], gaps["ln_1:v"]].map(short).join("/");
      return `from step ${pace.start}, a layer every ${each} (ln_2/query and key/value)${changed.join("")}`;
    }
    case "taper":
      return `a taper from step ${pace.begin} to ${pace.end}`;
  }
}

const short = (value: number) => String(Number(value.toPrecision(4)));
