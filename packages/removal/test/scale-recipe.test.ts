import { presets } from "@normless/gpt2";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkPlan, plan, removalRecipes, scaleRecipe } from "../src/index.js";
import { scaleRate } from "@normless/train";

const recipes = Object.values(removalRecipes);
const small = removalRecipes["baroni-2025-small"];

describe("a recipe at another size", () => {
  it("at its own size is itself, and nothing is said", () => {
    for (const recipe of recipes) {
      const { steps, batchSize, microBatchSize, blockSize } = recipe;
      expect(scaleRecipe(recipe, { steps, batchSize, microBatchSize, blockSize })).toEqual({
        recipe,
        notes: [],
      });
      expect(scaleRecipe(recipe, {})).toEqual({ recipe, notes: [] });
    }
  });

  it("in fewer steps keeps every event at its part of the run", () => {
    const { recipe, notes } = scaleRecipe(small, { steps: 150 });
    const whole = plan(small, presets.small);
    const half = plan(recipe, presets.small);
    expect(half.map(({ step }) => step)).toEqual(whole.map(({ step }) => Math.round(step / 2)));
    expect(recipe.learningRate).toEqual({ peak: 6e-4, floor: 3e-4, warmupSteps: 13, totalSteps: 150 });
    expect(notes).toEqual([
      "learning rate: warm-up 25 → 13 updates, cosine over 300 → 150",
      "removals: from step 20, a layer every 2/2/3 (ln_2/query and key/value) → " +
        "from step 10, a layer every 1/1/1.5 (ln_2/query and key/value)",
      "looks on the way: every 20 → 10 updates",
    ]);
  });

  it("of any number of steps that leaves room removes the same, in the same order", () =>
    fc.assert(
      fc.property(fc.constantFrom(...recipes), fc.integer({ min: 60, max: 3000 }), (recipe, steps) => {
        const scaled = scaleRecipe(recipe, { steps }).recipe;
        expect(() => checkPlan(scaled, presets.base)).not.toThrow();
        const names = (of: typeof recipe) =>
          plan(of, presets.base).map(({ step: _step, ...removal }) => JSON.stringify(removal));
        expect(names(scaled)).toEqual(names(recipe));
      }),
    ));

  it("of very few steps keeps its pace in order", () => {
    const pace = (name: string, steps: number) => scaleRecipe(removalRecipes[name], { steps }).recipe.pace;
    expect(pace("distilled", 3)).toMatchObject({ start: 1 });
    expect(pace("taper-norm-2026", 3)).toMatchObject({ begin: 1, end: 2 });
    expect(() =>
      checkPlan(scaleRecipe(removalRecipes["taper-norm-2026"], { steps: 3 }).recipe, presets.base),
    ).not.toThrow();
  });

  it("with another micro-batch looks back over as much text, and says so", () => {
    const { recipe, notes } = scaleRecipe(small, { microBatchSize: 4 });
    const { from } = recipe.constants;
    expect(from.kind === "training" && from.keep ** 8).toBeCloseTo(0.9, 12);
    expect(notes).toEqual(["moving mean of the stds: keeps 0.9 → 0.9869 a micro-batch"]);
  });

  it("with another batch takes the largest micro-batch that divides it", () => {
    const { recipe, notes } = scaleRecipe(small, { batchSize: 36, blockSize: 256 });
    expect(recipe.microBatchSize).toBe(18);
    expect(notes).toContain("micro-batch: 32 → 18 sequences, to divide 36");
    expect(notes).toContain("an update: 524288 → 9216 tokens");
  });
});

describe("a learning rate for other updates", () => {
  const rate = small.learningRate;
  const tokens = fc.integer({ min: 1, max: 2 ** 20 });

  it("has the root of their ratio, back and forth, with floor and schedule along", () =>
    fc.assert(
      fc.property(tokens, tokens, (a, b) => {
        const { learningRate: there } = scaleRate(rate, { chosenFor: a, tokens: b }, "sqrt");
        expect(there.peak ** 2 * a).toBeCloseTo(rate.peak ** 2 * b, 6);
        expect(there.floor / there.peak).toBeCloseTo(rate.floor / rate.peak, 12);
        const { warmupSteps, totalSteps } = rate;
        expect(there).toMatchObject({ warmupSteps, totalSteps });
        const back = scaleRate(there, { chosenFor: b, tokens: a }, "sqrt");
        expect(back.learningRate.peak).toBeCloseTo(rate.peak, 12);
      }),
    ));

  it("stays, with the figure that it would have, unless the rule is asked for", () => {
    expect(scaleRate(rate, { chosenFor: 400, tokens: 100 }, "none")).toEqual({
      learningRate: rate,
      notes: [
        "learning rate: the peak stays 0.0006, which was chosen for 400 tokens an update; the square-root rule " +
          "would make it 0.0003",
      ],
    });
    for (const rule of ["none", "sqrt"] as const) {
      expect(scaleRate(rate, { chosenFor: 100, tokens: 100 }, rule)).toEqual({
        learningRate: rate,
        notes: [],
      });
    }
  });
});
