/**
 * The plan of a run: which norm loses what at which step, as data, and what that does to the table of norms, as a
 * pure function. An event at step k happens after k updates, before the next forward pass.
 */
import { type Gpt2Config, moduleOf, type NormSite, type NormTable, replaceNorm } from "@normless/gpt2";
import { frozenNorm, frozenStd, type Norm, type StdAverage, withClassConstant } from "@normless/layernorm";
import { RecipeError } from "./check-recipe.js";
import type { ConstantsRecipe, FixedPace, RemovalRecipe } from "./recipe.js";

export type Removal =
  | { readonly step: number; readonly kind: "freeze"; readonly site: NormSite }
  | { readonly step: number; readonly kind: "constant"; readonly positionClass: "eot" | "first" }
  /** All norms at once: the taper begins with its constants calibrated, or ends with every norm frozen. */
  | { readonly step: number; readonly kind: "taper"; readonly gate: 1 | 0 };

/** Averages of the stds at each norm module, by position class. */
export type StdAverages = Readonly<Record<string, StdAverage>>;

type Planned = Pick<RemovalRecipe, "pace" | "constants">;

/**
 * All removals in the order in which they happen: 3L+1 norms and, where there are any, the special constants. None for
 * an adaptive pace, which decides as it goes.
 */
export function plan({ pace, constants }: Planned, { layers }: Pick<Gpt2Config, "layers">): Removal[] {
  switch (pace.kind) {
    case "fixed":
      return fixedPlan(pace, { layers, special: constants.special !== "none" });
    case "taper":
      return [
        { step: pace.begin, kind: "taper", gate: 1 },
        { step: pace.end, kind: "taper", gate: 0 },
      ];
    case "adaptive":
      return [];
  }
}

function fixedPlan(pace: FixedPace, { layers, special }: { layers: number; special: boolean }): Removal[] {
  const removals: Removal[] = [];
  let at = pace.start;
  const kinds = [
    ["ln_2", (i: number): NormSite => `h.${i}.ln_2`],
    ["ln_1:qk", (i: number): NormSite => `h.${i}.ln_1:qk`],
    ["ln_1:v", (i: number): NormSite => `h.${i}.ln_1:v`],
  ] as const;
  for (const [kind, site] of kinds) {
    // Gaps of a scaled recipe are fractions; each event rounds by itself, so that they do not add up.
    for (let i = 0; i < layers; i++, at += pace.gaps[kind]) {
      removals.push({ step: Math.round(at), kind: "freeze", site: site(i) });
    }
  }
  removals.push({ step: Math.round(at), kind: "freeze", site: "ln_f" });
  if (special) {
    removals.push(
      { step: Math.round(at + pace.eotAfter), kind: "constant", positionClass: "eot" },
      { step: Math.round(at + pace.firstAfter), kind: "constant", positionClass: "first" },
    );
  }
  return removals.sort((a, b) => a.step - b.step);
}

/** @throws RecipeError when the run would end before every norm is gone, or begin without having measured. */
export function checkPlan(recipe: RemovalRecipe, config: Pick<Gpt2Config, "layers">): void {
  const { steps, pace } = recipe;
  const check = (what: string, step: number, field: string) => {
    if (Number.isSafeInteger(step) && step >= 1 && step < steps) return;
    const room = steps > 1 ? `outside of steps 1 to ${steps - 1}` : "and a run of one update has no room";
    const problem = `the plan of ${recipe.name}: ${what} at step ${step}, ${room}`;
    if (step >= steps) throw new RecipeError(problem, "steps", `${step + 1} or more`);
    throw new RecipeError(problem, field, "a step before the first removal, to measure the std");
  };
  for (const removal of plan(recipe, config)) check(describeRemoval(removal), removal.step, "pace.start");
  if (pace.kind === "taper" && pace.begin >= pace.end) {
    throw new RecipeError(
      `the taper begins at step ${pace.begin} and ends at ${pace.end}`,
      "pace.end",
      `${pace.begin + 1} or more`,
    );
  }
  if (pace.kind === "adaptive") {
    check("the first norm", pace.start, "pace.start");
    check("the deadline", pace.deadline, "pace.deadline");
    if (pace.deadline <= pace.start) {
      throw new RecipeError(
        `the deadline, step ${pace.deadline}, is not after the start, step ${pace.start}`,
        "pace.deadline",
        `${pace.start + 1} or more`,
      );
    }
  }
}

/** The frozen norm that takes a site's place. @throws Error when its std was never measured. */
export function frozenAt(
  site: NormSite,
  averages: StdAverages,
  { special }: Pick<ConstantsRecipe, "special">,
): Norm {
  const average = averages[moduleOf(site)];
  if (!average) throw new Error(`${site} cannot be frozen: its std was never measured`);
  const { first, eot, rest } = frozenStd(average);
  const eotOnValue = site.endsWith(":v") ? first : rest;
  switch (special) {
    case "none":
      return frozenNorm(rest);
    case "first-and-eot":
      return frozenNorm({ first, eot, rest });
    case "first-and-eot-on-value":
      return frozenNorm({ first, eot: eotOnValue, rest });
    case "released-2024":
      return frozenNorm({ first: rest, eot: eotOnValue, rest }, first);
  }
}

/** The table after one removal. @throws Error when the site's std was never measured. */
export function applyRemoval(
  norms: NormTable,
  removal: Exclude<Removal, { kind: "taper" }>,
  averages: StdAverages,
  constants: Pick<ConstantsRecipe, "special">,
): NormTable {
  if (removal.kind === "freeze") {
    return replaceNorm(norms, removal.site, frozenAt(removal.site, averages, constants));
  }
  const { positionClass } = removal;
  const without = (site: string, norm: Norm): Norm => {
    if (positionClass === "eot" || constants.special !== "released-2024") {
      return withClassConstant(norm, positionClass);
    }
    return norm.kind === "frozen" && site.includes(".ln_1:") ? frozenNorm(norm.std) : norm;
  };
  return Object.fromEntries(Object.entries(norms).map(([site, norm]) => [site, without(site, norm)]));
}

/** A removal in a few words: `h.3.ln_1:qk`, `the end-of-text constant`. */
export function describeRemoval(removal: Removal): string {
  switch (removal.kind) {
    case "freeze":
      return removal.site;
    case "constant":
      return removal.positionClass === "eot" ? "the end-of-text constant" : "the first-position constant";
    case "taper":
      return removal.gate === 1 ? "the taper's start, all norms calibrated" : "every norm, the taper's end";
  }
}
