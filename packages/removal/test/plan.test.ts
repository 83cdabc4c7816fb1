import { type Gpt2Config, presets, standardNorms } from "@normless/gpt2";
import { isUniform } from "@normless/layernorm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  applyRemoval,
  checkPlan,
  describeRemoval,
  distilledRecipe,
  frozenAt,
  plan,
  removalRecipes,
  specialConstants,
} from "../src/index.js";

/** What the tables of the papers say: first step and gap of each kind, and the steps of what comes after. */
interface Published {
  readonly recipe: string;
  readonly model: Gpt2Config;
  readonly ln_2: readonly [start: number, gap: number, last: number];
  readonly qk: readonly [start: number, gap: number, last: number];
  readonly v: readonly [start: number, gap: number, last: number];
  readonly ln_f: number;
  readonly after?: readonly string[];
  readonly tokens: number;
}

const { small, medium, large, xl } = presets;
/** Heimersheim 2024's released script; Baroni et al. 2025, tables 3 and 4, and the configurations without auxiliary loss. */
const published: readonly Published[] = [
  {
    recipe: "heimersheim-2024",
    model: small,
    ln_2: [200, 20, 420],
    qk: [440, 20, 660],
    v: [680, 30, 1010],
    ln_f: 1040,
    after: ["1060 the end-of-text constant", "1160 the first-position constant"],
    tokens: 491_520,
  },
  ...(["", "-no-aux"] as const).flatMap((form): Published[] => [
    {
      recipe: `baroni-2025-small${form}`,
      model: small,
      ln_2: [20, 2, 42],
      qk: [44, 2, 66],
      v: [68, 3, 101],
      ln_f: 104,
      tokens: form === "" ? 524_288 : 491_520,
    },
    {
      recipe: `baroni-2025-medium${form}`,
      model: medium,
      ln_2: [20, 2, 66],
      qk: [68, 2, 114],
      v: [116, 3, 185],
      ln_f: 188,
      tokens: 518_144,
    },
    {
      recipe: `baroni-2025-large${form}`,
      model: large,
      ln_2: [30, 4, 170],
      qk: [174, 4, 314],
      v: [318, 6, 528],
      ln_f: 534,
      tokens: 516_096,
    },
  ]),
  {
    recipe: "baroni-2025-xl",
    model: xl,
    ln_2: [50, 4, 238],
    qk: [242, 4, 430],
    v: [434, 6, 716],
    ln_f: 722,
    tokens: 516_096,
  },
  {
    recipe: "baroni-2025-xl-no-aux",
    model: xl,
    ln_2: [20, 2, 114],
    qk: [116, 2, 210],
    v: [212, 3, 353],
    ln_f: 356,
    tokens: 516_096,
  },
];

describe("the plan", () => {
  it.each(published)("of $recipe is the published one, event by event", (table) => {
    const recipe = removalRecipes[table.recipe];
    const kind = ([start, gap, last]: readonly [number, number, number], site: string) => {
      const events = Array.from(
        { length: table.model.layers },
        (_, i) => `${start + i * gap} h.${i}.${site}`,
      );
      expect(events.at(-1)).toMatch(new RegExp(`^${last} `));
      return events;
    };
    expect(plan(recipe, table.model).map((removal) => `${removal.step} ${describeRemoval(removal)}`)).toEqual(
      [
        ...kind(table.ln_2, "ln_2"),
        ...kind(table.qk, "ln_1:qk"),
        ...kind(table.v, "ln_1:v"),
        `${table.ln_f} ln_f`,
        ...(table.after ?? []),
      ],
    );
    expect(recipe.batchSize * recipe.blockSize).toBe(table.tokens);
    expect(() => checkPlan(recipe, table.model)).not.toThrow();
  });

  it("of our own recipe removes everything from the model that ships, well before it ends", () => {
    expect(() => checkPlan(distilledRecipe, presets.base)).not.toThrow();
    expect(plan(distilledRecipe, presets.base).at(-1)!.step).toBeLessThan(distilledRecipe.steps * 0.2);
  });

  it("of a taper has its two ends", () => {
    expect(plan(removalRecipes["taper-norm-2026"], small).map(({ step }) => step)).toEqual([15, 120]);
  });

  const std = fc.double({ min: 0.1, max: 200, noNaN: true });
  const average = fc.record({ first: std, eot: std, rest: std });

  it("leaves every norm frozen, and the same for all positions", () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        average,
        fc.constantFrom(...specialConstants),
        (layers, stds, special) => {
          const config = { layers, eps: 1e-5 };
          const recipe = { ...removalRecipes["heimersheim-2024"] };
          const constants = { ...recipe.constants, special };
          let norms = standardNorms(config);
          const averages = Object.fromEntries(
            ["ln_f", ...Array.from({ length: layers }, (_, i) => [`h.${i}.ln_1`, `h.${i}.ln_2`]).flat()].map(
              (module) => [module, stds],
            ),
          );
          const frozen = () => Object.values(norms).filter(({ kind }) => kind === "frozen").length;
          for (const removal of plan({ ...recipe, constants }, config)) {
            if (removal.kind === "taper") throw new Error("a fixed plan has no taper");
            const before = frozen();
            norms = applyRemoval(norms, removal, averages, constants);
            expect(frozen() - before).toBe(removal.kind === "freeze" ? 1 : 0);
          }
          expect(Object.keys(norms)).toHaveLength(3 * layers + 1);
          expect(Object.values(norms).every(isUniform)).toBe(true);
          // What the released code left behind: channel 0 of ln_2 and ln_f, and of no ln_1.
          for (const [site, norm] of Object.entries(norms)) {
            const channel = norm.kind === "frozen" ? norm.firstChannel : undefined;
            const stays = special === "released-2024" && !site.includes("ln_1");
            expect(channel).toBe(stays ? stds.first : undefined);
          }
        },
      ),
    ));

  it("gives special tokens the constants that the recipe means", () => {
    const averages = { "h.0.ln_1": { first: 90, eot: 9, rest: 2 }, ln_f: { first: 90, rest: 2 } };
    const at = (site: "h.0.ln_1:v" | "h.0.ln_1:qk" | "ln_f", special: (typeof specialConstants)[number]) =>
      frozenAt(site, averages, { special });
    const std = (first: number, eot: number, rest: number) => ({ kind: "frozen", std: { first, eot, rest } });
    expect(at("h.0.ln_1:v", "none")).toEqual(std(2, 2, 2));
    expect(at("h.0.ln_1:v", "first-and-eot")).toEqual(std(90, 9, 2));
    expect(at("h.0.ln_1:v", "first-and-eot-on-value")).toEqual(std(90, 90, 2));
    expect(at("h.0.ln_1:qk", "first-and-eot-on-value")).toEqual(std(90, 2, 2));
    expect(at("h.0.ln_1:v", "released-2024")).toEqual({ ...std(2, 90, 2), firstChannel: 90 });
    expect(at("ln_f", "released-2024")).toEqual({ ...std(2, 2, 2), firstChannel: 90 });
    expect(at("ln_f", "first-and-eot")).toEqual(std(90, 2, 2));
  });

  it("refuses what cannot end LN-free, and an unmeasured norm", () => {
    const heimersheim = removalRecipes["heimersheim-2024"];
    expect(() => checkPlan({ ...heimersheim, steps: 1000 }, small)).toThrow(
      /h.11.ln_1:v at step 1010, outside of steps 1 to 999/,
    );
    const taper = removalRecipes["taper-norm-2026"];
    expect(() => checkPlan({ ...taper, steps: 120 }, small)).toThrow(/the taper's end at step 120, outside/);
    expect(() =>
      checkPlan({ ...taper, pace: { kind: "taper", begin: 50, end: 40, keep: 0.9 } }, small),
    ).toThrow(/begins at step 50 and ends at 40/);
    const [first] = plan(heimersheim, presets.base);
    if (first.kind === "taper") throw new Error("a fixed plan has no taper");
    expect(() => applyRemoval(standardNorms(presets.base), first, {}, heimersheim.constants)).toThrow(
      /h.0.ln_2 cannot be frozen/,
    );
  });
});
