/**
 * What of a recipe may change while its run goes on: what helps after a loss has diverged. The past stays what it was: a
 * change holds from the update that the run goes on with.
 */
import { RecipeError } from "./check-recipe.js";
import type { Phase } from "./events.js";
import { describeRemoval, plan } from "./plan.js";
import type { FixedPace, RemovalRecipe, TrainingRecipe } from "./recipe.js";
import type { PlannedModel } from "./sites.js";

/** What can be asked for; undefined stays as it is. */
export interface TrainingChange {
  /** Updates in all. The cosine is stretched along; what is due at a step stays there. */
  readonly steps?: number | undefined;
  /** The peak; the floor keeps its proportion. */
  readonly learningRate?: number | undefined;
  readonly checkpointEvery?: number | undefined;
}

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

/** A field that has changed: `learningRate.peak`, its value before and after; undefined is absent. */
export interface ChangedField {
  readonly field: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** @throws RecipeError when more updates are done than the run is to have. */
export function changeTraining<R extends TrainingRecipe>(recipe: R, change: TrainingChange, done: number): R {
  const { steps = recipe.steps, checkpointEvery = recipe.checkpointEvery } = change;
  const { peak, floor, totalSteps, warmupSteps } = recipe.learningRate;
  const { learningRate = peak } = change;
  if (steps < done) throw new RecipeError(`${done} updates are done already`, "steps", `${done} or more`);
  const rates = {
    peak: learningRate,
    floor: learningRate === peak ? floor : (floor * learningRate) / peak,
    warmupSteps,
    totalSteps: Math.max(1, Math.round((totalSteps * steps) / recipe.steps)),
  };
  return { ...recipe, steps, checkpointEvery, learningRate: rates };
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

const TRAINING_FIELDS = /^(steps|checkpointEvery|learningRate\.(peak|floor|totalSteps))$/;
const REMOVAL_FIELDS = /^(auxiliaryWeight|pace\.(gaps\..+|eotAfter|firstAfter|stretches))$/;

/** Everything that differs. */
export function changedFields(before: object, after: object): ChangedField[] {
  const [from, to] = [new Map(leaves(before)), new Map(leaves(after))];
  return [...new Set([...from.keys(), ...to.keys()])]
    .map((field) => ({ field, from: from.get(field), to: to.get(field) }))
    .filter((change) => JSON.stringify(change.from) !== JSON.stringify(change.to));
}

/** @throws RecipeError naming a field that cannot change while a training goes on. */
export function trainingChanges(before: TrainingRecipe, after: TrainingRecipe): ChangedField[] {
  return allowed(changedFields(before, after), [TRAINING_FIELDS]);
}

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

function allowed(changes: ChangedField[], fields: readonly RegExp[]): ChangedField[] {
  const other = changes.find(({ field }) => !fields.some((pattern) => pattern.test(field)));
  if (!other) return changes;
  const { field, from, to } = other;
  throw new RecipeError(
    `${field} is ${JSON.stringify(to)} and was ${JSON.stringify(from)} when the run began; it cannot change while a run goes on`,
    field,
    JSON.stringify(from),
  );
}

/** `learningRate.peak` and its value, and so on; a list is one value. */
function leaves(value: object, path = ""): [string, unknown][] {
  return Object.entries(value).flatMap(([key, inside]: [string, unknown]) => {
    const field = path === "" ? key : `${path}.${key}`;
    if (typeof inside === "object" && inside !== null && !Array.isArray(inside)) return leaves(inside, field);
    return inside === undefined ? [] : [[field, inside]];
  });
}

/** Changes in words: `learning rate 6e-4 → 3e-4, gaps ×2 from step 120 on`. */
export function describeChanges(changes: readonly ChangedField[]): string {
  const value = (x: unknown) =>
    typeof x === "number" ? String(Number(x.toPrecision(4))) : x === undefined ? "none" : JSON.stringify(x);
  return changes
    .filter(({ field }) => field !== "learningRate.floor" && field !== "learningRate.totalSteps")
    .map(({ field, from, to }) => {
      if (field === "learningRate.peak") return `learning rate ${value(from)} → ${value(to)}`;
      if (field === "auxiliaryWeight") return `auxiliary weight ${value(from)} → ${value(to)}`;
      if (field !== "pace.stretches") return `${field} ${value(from)} → ${value(to)}`;
      const [before, after] = [from ?? [], to ?? []] as NonNullable<FixedPace["stretches"]>[];
      const added = after.slice(before.length);
      return added.map(({ from: step, factor }) => `gaps ×${factor} from step ${step} on`).join(", ");
    })
    .join(", ");
}
