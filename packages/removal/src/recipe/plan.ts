/**
 * The plan of a run: which norm loses what at which step, as data, and what that does to the table of norms, as a
 * pure function. An event at step k happens after k updates, before the next forward pass.
 */
import { moduleOf, type NormSite, normSites, type NormTable, replaceNorm } from "@normless/gpt2";
import {
  frozenNorm,
  frozenStd,
  isUniform,
  kindOf,
  type Norm,
  type StdAverage,
  withClassConstant,
} from "@normless/layernorm";
import { RecipeError } from "@normless/train";
import type { ConstantsRecipe, FixedPace, RemovalRecipe } from "./recipe.js";
import { type PlannedModel, sitesToGo } from "./sites.js";

/** What goes, and after how many updates. */
export type Removal =
  | { readonly step: number; readonly kind: "freeze"; readonly site: NormSite }
  | { readonly step: number; readonly kind: "constant"; readonly positionClass: "eot" | "first" }
  /**
   * All norms that go at once: the taper begins with its constants calibrated, or ends with every one frozen. `sites` where
   * others stay.
   */
  | {
      readonly step: number;
      readonly kind: "taper";
      readonly gate: 1 | 0;
      readonly sites?: readonly NormSite[] | undefined;
    };

/** Averages of the stds at each norm module, by position class. */
export type StdAverages = Readonly<Record<string, StdAverage>>;

type Planned = Pick<RemovalRecipe, "pace" | "constants" | "sites">;

/**
 * All removals in the order in which they happen: the norms that go (3L+1, unless the recipe names some or the model has
 * lost some) and, where there are any, the special constants.
 * @throws RecipeError naming a site that there is not.
 */
export function plan(recipe: Planned, model: PlannedModel): Removal[] {
  const { pace, constants } = recipe;
  const going = sitesToGo(recipe, model);
  const some = going.length === normSites(model).length ? {} : { sites: going };
  switch (pace.kind) {
    case "fixed":
      return fixedPlan(pace, { layers: model.layers, going, special: constants.special !== "none" });
    case "taper":
      return [
        { step: pace.begin, kind: "taper", gate: 1, ...some },
        { step: pace.end, kind: "taper", gate: 0, ...some },
      ];
  }
}

function fixedPlan(
  pace: FixedPace,
  { layers, going, special }: { layers: number; going: readonly NormSite[]; special: boolean },
): Removal[] {
  const removals: Removal[] = [];
  let at = pace.start;
  // Gaps of a scaled recipe are fractions; each event rounds by itself, so that they do not add up.
  const stepOf = (due: number) =>
    Math.round(
      (pace.stretches ?? []).reduce(
        (step, { from, factor }) => (step > from ? from + (step - from) * factor : step),
        due,
      ),
    );
  const kinds = [
    ["ln_2", (i: number): NormSite => `h.${i}.ln_2`],
    ["ln_1:qk", (i: number): NormSite => `h.${i}.ln_1:qk`],
    ["ln_1:v", (i: number): NormSite => `h.${i}.ln_1:v`],
  ] as const;
  for (const [kind, site] of kinds) {
    for (let i = 0; i < layers; i++) {
      if (!going.includes(site(i))) continue;
      removals.push({ step: stepOf(at), kind: "freeze", site: site(i) });
      at += pace.gaps[kind];
    }
  }
  if (going.includes("ln_f")) removals.push({ step: stepOf(at), kind: "freeze", site: "ln_f" });
  if (special) {
    removals.push(
      { step: stepOf(at + pace.eotAfter), kind: "constant", positionClass: "eot" },
      { step: stepOf(at + pace.firstAfter), kind: "constant", positionClass: "first" },
    );
  }
  return removals.sort((a, b) => a.step - b.step);
}

/**
 * @throws RecipeError when the run would end before every norm is gone that goes, or begin without having measured, or
 * when it names a norm that there is not.
 */
export function checkPlan(recipe: RemovalRecipe, model: PlannedModel): void {
  const { steps, pace } = recipe;
  const check = (what: string, step: number, field: string) => {
    if (Number.isSafeInteger(step) && step >= 1 && step < steps) return;
    const room = steps > 1 ? `outside of steps 1 to ${steps - 1}` : "and a run of one update has no room";
    const problem = `the plan of ${recipe.name}: ${what} at step ${step}, ${room}`;
    if (step >= steps) throw new RecipeError(problem, "steps", `${step + 1} or more`);
    throw new RecipeError(problem, field, "a step before the first removal, to measure the std");
  };
  for (const removal of plan(recipe, model)) check(describeRemoval(removal), removal.step, "pace.start");
  if (pace.kind === "taper" && pace.begin >= pace.end) {
    throw new RecipeError(
      `the taper begins at step ${pace.begin} and ends at ${pace.end}`,
      "pace.end",
      `${pace.begin + 1} or more`,
    );
  }
}

/**
 * @throws RecipeError when a norm that was frozen before has constants of its own for special positions, which this recipe
 * does not drop: such a model cannot be folded. Or when one is half on its way out, or from outside.
 */
export function checkConstants(
  { pace, constants: { special } }: Pick<RemovalRecipe, "pace" | "constants">,
  norms: NormTable,
): void {
  for (const [site, norm] of Object.entries(norms)) {
    if (norm.kind === "tapered") {
      throw new RecipeError(
        `the norm at ${site} is tapered, half on its way out`,
        "model",
        "one before or after that",
      );
    }
    if (norm.kind === "own") {
      throw new RecipeError(
        `the norm at ${site} is ${kindOf(norm)}, which cannot be folded`,
        "model",
        "one whose norms are LayerNorms, or were",
      );
    }
    const drops =
      pace.kind === "fixed" && (special === "first-and-eot" || special === "first-and-eot-on-value");
    if (norm.kind !== "frozen" || isUniform(norm) || drops) continue;
    throw new RecipeError(
      `the norm at ${site} is frozen already, with constants of its own for special positions, which this recipe never drops`,
      "constants.special",
      '"first-and-eot", at fixed steps',
    );
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
    if (norm.kind !== "frozen") return norm;
    if (positionClass === "eot" || constants.special !== "released-2024") {
      return withClassConstant(norm, positionClass);
    }
    return site.includes(".ln_1:") ? frozenNorm(norm.std) : norm;
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
    case "taper": {
      const [all, every] = removal.sites
        ? [`${removal.sites.length} norms`, `${removal.sites.length} norms`]
        : ["all norms", "every norm"];
      return removal.gate === 1 ? `the taper's start, ${all} calibrated` : `${every}, the taper's end`;
    }
  }
}
