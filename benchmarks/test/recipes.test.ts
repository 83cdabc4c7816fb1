import { presets } from "@normless/gpt2";
import { checkPlan } from "normless";
import { expect, it } from "vitest";
import { contenders, controlOf } from "../src/recipes/contenders.js";
import { recipeNote, type RecipeRow, recipeTable } from "../src/recipes/results.js";

it("gives every contender a plan that fits, and the training that its control had", () => {
  for (const steps of [100, 200]) {
    const all = contenders(steps, 7);
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
    for (const { recipe } of all) {
      expect(() => checkPlan(recipe, presets.base)).not.toThrow();
      const { name, source, auxiliaryWeight, constants, pace } = recipe;
      expect({ ...controlOf(steps, 7), name, source, auxiliaryWeight, constants, pace }).toEqual(recipe);
    }
  }
});

it("tells means over seeds, the longest run first, then the smallest gap", () => {
  const row = (name: string, seed: number, steps: number, gap: number): RecipeRow => ({
    ...{ name, steps, seed, tokens: steps * 2048, probedTokens: 0, worstSpike: 0.1, lastRemoval: 50 },
    ...{ rollbacks: 0, original: 3, control: 3, folded: 3 + gap, seconds: 10 },
  });
  const rows = [
    row("a", 1, 100, 0.05),
    row("b", 1, 200, 0.03),
    row("b", 2, 200, 0.05),
    row("c", 1, 200, 0.01),
  ];
  const results = { backend: "wasm", validationTokens: 65_536, rows };
  const { head, rows: lines } = recipeTable(results);
  expect(lines.map(([name]) => name)).toEqual(["c", "b", "a"]);
  expect(lines.every((line) => line.length === head.length)).toBe(true);
  expect(lines[1]).toContain("0.0400");
  expect(lines[1]).toContain("0.0300 to 0.0500");
  expect(lines[1]).toContain("0.41M");
  expect(recipeNote(results)).toContain("seeds 1, 2; nats a token on the first 65,536 validation tokens");
});
