/**
 * The plan of a run: which norm loses what at which step, as data, and what that does to the table of norms, as a
 * pure function. An event at step k happens after k updates, before the next forward pass. The order is the
 * published one (method of Heimersheim 2024): all ln_2, all ln_1 query/key, all ln_1 value, ln_f, then the
 * end-of-text constant and the first-position constant, everywhere at once.
 */
import { type Gpt2Config, moduleOf, type NormSite, type NormTable, replaceNorm } from "@normless/gpt2";
import { frozenNorm, frozenStd, type StdAverage, withClassConstant } from "@normless/layernorm";
import type { KindSchedule, RemovalSchedule } from "./recipe.js";

export type Removal =
  | { readonly step: number; readonly kind: "freeze"; readonly site: NormSite }
  | { readonly step: number; readonly kind: "constant"; readonly positionClass: "eot" | "first" };

/** Averages of the stds at each norm module, by position class. */
export type StdAverages = Readonly<Record<string, StdAverage>>;

/** All removals in the order in which they happen: 3L+1 norms and the two special constants. */
export function plan(schedule: RemovalSchedule, { layers }: Pick<Gpt2Config, "layers">): Removal[] {
  const kind = ({ start, gap }: KindSchedule, site: (layer: number) => NormSite): Removal[] =>
    Array.from({ length: layers }, (_, i) => ({ step: start + i * gap, kind: "freeze", site: site(i) }));
  const removals: Removal[] = [
    ...kind(schedule.ln_2, (i) => `h.${i}.ln_2`),
    ...kind(schedule["ln_1:qk"], (i) => `h.${i}.ln_1:qk`),
    ...kind(schedule["ln_1:v"], (i) => `h.${i}.ln_1:v`),
    { step: schedule.ln_f, kind: "freeze", site: "ln_f" },
    { step: schedule.eot, kind: "constant", positionClass: "eot" },
    { step: schedule.first, kind: "constant", positionClass: "first" },
  ];
  return removals.sort((a, b) => a.step - b.step);
}

/** @throws RangeError when the run would end, or drop a special constant, before every norm is gone. */
export function checkPlan(removals: readonly Removal[], steps: number): void {
  for (const removal of removals) {
    if (!Number.isSafeInteger(removal.step) || removal.step < 1 || removal.step >= steps) {
      throw new RangeError(
        `the plan removes ${describeRemoval(removal)} at step ${removal.step}, outside of steps 1 to ${steps - 1}. ` +
          "Move the schedule or change `steps`; the first removal needs a step before it, to measure the std.",
      );
    }
  }
  const lastFreeze = Math.max(...removals.filter(({ kind }) => kind === "freeze").map(({ step }) => step));
  const early = removals.find(({ kind, step }) => kind === "constant" && step < lastFreeze);
  if (early) {
    throw new RangeError(
      `the plan drops ${describeRemoval(early)} at step ${early.step}, before the last norm is frozen at step ` +
        `${lastFreeze}; norms frozen later would keep it`,
    );
  }
}

/** The table after one removal. @throws Error when the site's std was never measured. */
export function applyRemoval(norms: NormTable, removal: Removal, averages: StdAverages): NormTable {
  if (removal.kind === "freeze") {
    const average = averages[moduleOf(removal.site)];
    if (!average) throw new Error(`${removal.site} cannot be frozen: its std was never measured`);
    return replaceNorm(norms, removal.site, frozenNorm(frozenStd(average)));
  }
  const { positionClass } = removal;
  return Object.fromEntries(
    Object.entries(norms).map(([site, norm]) => [site, withClassConstant(norm, positionClass)]),
  );
}

/** A removal in a few words: `h.3.ln_1:qk`, `the end-of-text constant`. */
export function describeRemoval(removal: Removal): string {
  if (removal.kind === "freeze") return removal.site;
  return removal.positionClass === "eot" ? "the end-of-text constant" : "the first-position constant";
}
