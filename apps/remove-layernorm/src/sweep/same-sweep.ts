/** Whether a folder's sweep is the one that is asked for: of these models, data and options, with recipes and seeds to spare. */
import { optionName, UsageError } from "../errors.js";
import { differences, said } from "../json/differences.js";
import type { Arm, Manner, SweepRecord } from "./record.js";

export interface AskedSweep {
  readonly arms: readonly Arm[];
  readonly manner: Manner;
}

/**
 * Recipes, seeds and models may be added to a sweep, and recipes and seeds left out.
 * @throws UsageError saying what differs
 */
export function checkSameSweep(folder: string, there: SweepRecord, asked: AskedSweep): void {
  const refuse = (what: string): never => {
    throw new UsageError(
      `the folder ${folder} holds another sweep: ${what}. Ask for the same, or choose another folder: --out DIR`,
    );
  };
  const names = (arms: readonly Arm[]) => [...new Set(arms.map(({ model }) => model))];
  const models = names(asked.arms);
  const missing = names(there.arms).filter((model) => !models.includes(model));
  if (missing.length > 0) {
    refuse(`it is of ${names(there.arms).join(" and ")}, and this one of ${models.join(" and ")}`);
  }
  for (const arm of asked.arms) {
    const other = there.arms.find(({ model, recipe }) => model === arm.model && recipe === arm.recipe);
    // Another recipe on the same model reads the same text, but maybe more of it to validate on.
    const train = there.arms.find(({ model }) => model === arm.model);
    if (train && train.data.train !== arm.data.train)
      refuse(`${arm.model} was trained on other tokens there`);
    if (!other) continue;
    const what = firstDifference(other.fields, arm.fields);
    if (what !== undefined) refuse(`${arm.recipe} on ${arm.model} has ${what}`);
    if (other.data.validation !== arm.data.validation)
      refuse(`${arm.model} was validated on other tokens there`);
  }
  const options = new Set([...Object.keys(there.manner), ...Object.keys(asked.manner)]);
  for (const name of options as Set<keyof Manner>) {
    const [before, now] = [there.manner[name], asked.manner[name]];
    if (before !== now) refuse(`${optionName(name)} is ${said(before)} there and ${said(now)} here`);
  }
}

/** `steps 12 there and 24 here`: of the first field that differs, by its path; undefined where none does. */
export function firstDifference(there: unknown, here: unknown): string | undefined {
  const [first] = differences(there, here);
  return (
    (first as typeof first | undefined) &&
    `${first.path} ${said(first.before)} there and ${said(first.now)} here`
  );
}
