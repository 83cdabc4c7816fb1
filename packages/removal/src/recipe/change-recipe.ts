/** What of a removal's recipe may change while its run goes on, besides what may of any training. */
import {
  allowed,
  type ChangedField,
  changedFields,
  changeTraining,
  describeChange,
  RecipeError,
  TRAINING_FIELDS,
  type TrainingChange,
} from "@normless/train";
import type { Phase } from "../phase.js";
import { describeRemoval, plan } from "./plan.js";
import type { FixedPace, RemovalRecipe } from "./recipe.js";
import type { PlannedModel } from "./sites.js";

/** What can be asked for of a removal; undefined stays as it is. */
export interface RecipeChange extends TrainingChange {
  readonly auxiliaryWeight?: number | undefined;
  /** So many times as long between what is still to go. */
  readonly gapFactor?: number | undefined;
}

/** Where a run goes on. */
export interface Moment {
  readonly phase: Phase;
  /** Updates done in this phase. */
  readonly step: number;
}

/** The same for a removal, which goes on at `moment`. @throws RecipeError when the pace has no gaps. */
export function changeRemoval(recipe: RemovalRecipe, change: RecipeChange, moment: Moment): RemovalRecipe {
  const { auxiliaryWeight = recipe.auxiliaryWeight, gapFactor } = change;
  const { pace } = recipe;
  const changed = { ...changeTraining(recipe, change, moment.step), auxiliaryWeight };
  if (gapFactor === undefined) return changed;
  if (pace.kind !== "fixed") {
    throw new RecipeError(
      `the pace of ${recipe.name} is ${pace.kind} and has no gaps`,
      "gapFactor",
      "to a run whose removals are at fixed steps",
    );
  }
  return { ...changed, pace: withGaps(pace, gapFactor, moment) };
}

/** Before anything is removed the gaps are others; later, what is still to come moves away from the step of now. */
function withGaps(pace: FixedPace, factor: number, { phase, step }: Moment): FixedPace {
  const { gaps, eotAfter, firstAfter, stretches = [] } = pace;
  if (phase === "removal" && step > pace.start) {
    return { ...pace, stretches: [...stretches, { from: step, factor }] };
  }
  const times = (gap: number) => gap * factor;
  return {
    ...pace,
    gaps: {
      ln_2: times(gaps.ln_2),
      "ln_1:qk": times(gaps["ln_1:qk"]),
      "ln_1:v": times(gaps["ln_1:v"]),
    },
    eotAfter: times(eotAfter),
    firstAfter: times(firstAfter),
  };
}

const REMOVAL_FIELDS = /^(auxiliaryWeight|pace\.(gaps\..+|eotAfter|firstAfter|stretches))$/;

/** @throws RecipeError likewise, or naming a removal that would have been at another step. */
export function removalChanges(
  before: RemovalRecipe,
  after: RemovalRecipe,
  { phase, step, model }: Moment & { readonly model: PlannedModel },
): ChangedField[] {
  const changes = allowed(changedFields(before, after), [TRAINING_FIELDS, REMOVAL_FIELDS]);
  const past = (recipe: RemovalRecipe) =>
    phase === "control" ? [] : plan(recipe, model).filter((removal) => removal.step < step);
  const [was, would] = [past(before), past(after)];
  const other = was.find((removal, i) => JSON.stringify(removal) !== JSON.stringify(would[i]));
  if (!other && would.length === was.length) return changes;
  const what = describeRemoval(other ?? would[was.length]);
  throw new RecipeError(
    `with this pace ${what} would have gone at another step before ${step}, where the run goes on`,
    "pace.gaps",
    "that change what is to come alone",
  );
}

/** Changes in words: `learning rate 6e-4 → 3e-4, gaps ×2 from step 120 on`. */
export function describeChanges(changes: readonly ChangedField[]): string {
  return changes
    .flatMap((change) => {
      const { field, from, to } = change;
      if (field === "auxiliaryWeight") return describeChange({ ...change, field: "auxiliary weight" }) ?? [];
      if (field !== "pace.stretches") return describeChange(change) ?? [];
      const [before, after] = [from ?? [], to ?? []] as NonNullable<FixedPace["stretches"]>[];
      return after
        .slice(before.length)
        .map(({ from: step, factor }) => `gaps ×${factor} from step ${step} on`);
    })
    .join(", ");
}
