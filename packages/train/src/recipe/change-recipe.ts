/**
 * What of a training's recipe may change while it goes on: what helps after a loss has diverged. The past stays what it
 * was: a change holds from the update that the training goes on with.
 */
import { RecipeError } from "./check-recipe.js";
import type { TrainingRecipe } from "./recipe.js";

/** What can be asked for; undefined stays as it is. */
export interface TrainingChange {
  /** Updates in all. The cosine is stretched along; what is due at a step stays there. */
  readonly steps?: number | undefined;
  /** The peak; the floor keeps its proportion. */
  readonly learningRate?: number | undefined;
  readonly checkpointEvery?: number | undefined;
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

/** The fields of any training that may change while it goes on. */
export const TRAINING_FIELDS = /^(steps|checkpointEvery|learningRate\.(peak|floor|totalSteps))$/;

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

/** @throws RecipeError naming a field that none of the patterns allows to change. */
export function allowed(changes: ChangedField[], fields: readonly RegExp[]): ChangedField[] {
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

/** A change in words: `learning rate 6e-4 → 3e-4`; undefined of what follows from another. */
export function describeChange({ field, from, to }: ChangedField): string | undefined {
  const value = (x: unknown) =>
    typeof x === "number" ? String(Number(x.toPrecision(4))) : x === undefined ? "none" : JSON.stringify(x);
  if (field === "learningRate.floor" || field === "learningRate.totalSteps") return undefined;
  const name = field === "learningRate.peak" ? "learning rate" : field;
  return `${name} ${value(from)} → ${value(to)}`;
}
