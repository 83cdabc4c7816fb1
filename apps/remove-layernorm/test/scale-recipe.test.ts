import { presets } from "@normless/gpt2";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkPlan, plan, removalRecipes, scaleRecipe } from "../src/core/index.js";

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
    expect(pace("distilled", 3)).toMatchObject({ start: 1, deadline: 2 });
    expect(pace("taper", 3)).toMatchObject({ begin: 1, end: 2 });
    expect(() =>
      checkPlan(scaleRecipe(removalRecipes["taper"], { steps: 3 }).recipe, presets.base),
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
