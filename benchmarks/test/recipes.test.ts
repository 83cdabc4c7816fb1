import { presets } from "@normless/gpt2";
import fc from "fast-check";
import { checkPlan } from "normless";
import { expect, it } from "vitest";
import { budgetTable, type Point, tokensTo } from "../src/recipes/budgets.js";
import { budgeted, contenders, controlOf } from "../src/recipes/contenders.js";
import { renderRecipes } from "../src/recipes/page.js";
import {
  joinResults,
  parseRecipeResults,
  recipeNote,
  type RecipeRow,
  recipeTable,
} from "../src/recipes/results.js";

const row = (name: string, seed: number, steps: number, gap: number): RecipeRow => ({
  ...{ name, steps, seed, tokens: steps * 2048, probedTokens: 0, worstSpike: 0.1, lastRemoval: 50 },
  ...{ rollbacks: 0, original: 3, control: 3, folded: 3 + gap, seconds: 10 },
});

it("gives every contender a plan that fits, and the training that its control had", () => {
  for (const steps of [60, 100, 200]) {
    const all = contenders(steps, 7);
    const names = all.map(({ name }) => name);
    expect(new Set(names).size).toBe(all.length);
    expect(names).toEqual(expect.arrayContaining([...budgeted]));
    for (const { recipe } of all) {
      expect(() => checkPlan(recipe, presets.base)).not.toThrow();
      const { name, source, loss, weightDecay, auxiliaryWeight, constants, pace } = recipe;
      const own = { name, source, loss, auxiliaryWeight, constants, pace };
      expect({ ...controlOf(steps, 7), ...own, ...(loss === "distillation" && { weightDecay }) }).toEqual(
        recipe,
      );
    }
  }
});

it("tells means over seeds, the longest run first, then the smallest gap", () => {
  const rows = [
    row("a", 1, 100, 0.05),
    row("b", 1, 100, 0.06),
    row("c", 1, 100, 0.04),
    row("a", 1, 200, 0.05),
    row("b", 1, 200, 0.03),
    row("b", 2, 200, 0.05),
    row("c", 1, 200, 0.01),
  ];
  const results = { backend: "wasm", validationTokens: 65_536, rows };
  const { head, rows: lines } = recipeTable(results);
  expect(lines.map(([name, steps]) => `${name} ${steps}`)).toEqual([
    "c 200",
    "b 200",
    "a 200",
    "c 100",
    "a 100",
    "b 100",
  ]);
  expect(lines.every((line) => line.length === head.length)).toBe(true);
  expect(lines[1]).toContain("0.0400");
  expect(lines[1]).toContain("0.0300 to 0.0500");
  expect(lines[1]).toContain("0.41M");
  expect(recipeNote(results)).toContain("seeds 1, 2; nats a token on the first 65,536 validation tokens");
});

it("holds what is distilled against the original, and what is not also against its control", () => {
  const control = { ...row("a", 1, 100, 0.05), control: 3.03 };
  const { control: _none, ...distilled } = row("b", 1, 100, 0.04);
  const { head, rows } = recipeTable({ backend: "wasm", validationTokens: 1, rows: [control, distilled] });
  const [above, gap] = [head.indexOf("above original"), head.indexOf("gap to control")];
  expect(rows.map((line) => [line[0], line[above], line[gap]])).toEqual([
    ["b", "0.0400", ""],
    ["a", "0.0500", "0.0200"],
  ]);
});

/** Gaps that fall like a power of the tokens: `tokens` is the number that the gap of 1 takes. */
const power = (tokens: number, exponent: number) => (updates: number) =>
  (tokens / (updates * 2048)) ** exponent;

it("finds the tokens of a gap exactly where it falls like a power of them", () => {
  const budget = fc.uniqueArray(fc.integer({ min: 1, max: 500 }), { minLength: 2, maxLength: 6 });
  fc.assert(
    fc.property(
      budget,
      fc.double({ min: 0.2, max: 3, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (updates, exponent, part) => {
        const gapAt = power(1e5, exponent);
        const points = updates
          .sort((a, b) => a - b)
          .map((steps): Point => ({ steps, tokens: steps * 2048, gap: gapAt(steps) }));
        const [low, high] = [points[0].tokens, points[points.length - 1].tokens];
        const tokens = low + part * (high - low);
        const needed = tokensTo(points, gapAt(tokens / 2048));
        expect(needed.tokens / tokens).toBeCloseTo(1, 6);
      },
    ),
  );
});

it("says fewer or more where no run was near, and takes the first crossing", () => {
  const points = [0.5, 0.2, 0.3, 0.1].map((gap, i): Point => ({ steps: i, tokens: 10 * (i + 1), gap }));
  expect(tokensTo(points, 0.6)).toEqual({ tokens: 10, bound: "<" });
  expect(tokensTo(points, 0.05)).toEqual({ tokens: 40, bound: ">" });
  expect(tokensTo(points, 0.5)).toEqual({ tokens: 10 });
  expect(tokensTo(points, 0.2).tokens).toBeCloseTo(20);
});

/** Two seeds: the reference; one that needs fewer updates and probes half as much as it trains on; one run once. */
const several = [1, 2].flatMap((seed) => [
  ...[50, 100, 200, 400].flatMap((steps) => [
    row("reference", seed, steps, power(seed * 1e4, 1)(steps)),
    { ...row("adaptive", seed, steps, power(seed === 1 ? 5e3 : 12e3, 1)(steps)), probedTokens: steps * 1024 },
  ]),
  row("<taper>", seed, 100, 0.9),
]);

it("tells what each needs to be where the reference is, probed tokens with it, and the range over seeds", () => {
  const results = { backend: "wasm", validationTokens: 1, rows: several };
  const { head, rows } = budgetTable(results)!;
  expect(head).toEqual([
    "tokens to",
    ...[50, 100, 200, 400].map((steps) => `${power(15e3, 1)(steps).toFixed(4)} (reference, ${steps})`),
  ]);
  expect(rows.map(([name]) => name)).toEqual(["reference", "adaptive"]);
  expect(rows[0].slice(1)).toEqual(["0.102M, ×1.00", "0.205M, ×1.00", "0.410M, ×1.00", "0.819M, ×1.00"]);
  // Seed 1 needs half the updates and seed 2 six tenths of them, each half as dear again.
  expect(rows[1].slice(1)).toEqual([
    "< 0.154M",
    ...["0.174M", "0.348M", "0.696M"].map((tokens) => `${tokens}, ×0.85 (0.75 to 0.90)`),
  ]);
  expect(
    budgetTable({ ...results, rows: several.filter(({ name }) => name !== "reference") }),
  ).toBeUndefined();
});

it("draws a page that needs no network, runs no script and holds its figures", () => {
  const results = { backend: "wasm", validationTokens: 1, rows: several };
  const page = renderRecipes(results);
  expect(page).not.toMatch(/https?:|\b(?:src|href|srcset|action)\s*=|url\(|@import|\bon\w+\s*=/i);
  const [, json] = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(page) ?? [];
  expect(parseRecipeResults(json)).toEqual(results);
  expect(page).toContain("&lt;taper&gt;");
  expect(page.replace(/\s+/g, " ")).toContain(
    "<strong>15 % fewer</strong> tokens than the reference, which needs 400 updates",
  );
  // A line a curve, and dots for each of its seeds.
  expect(page.match(/<path class="bold /g)).toHaveLength(2);
  expect(page.match(/<path class="dots /g)).toHaveLength(4);
  expect(page).not.toMatch(/NaN|Infinity|undefined/);
  const one = renderRecipes({ ...results, rows: several.filter(({ steps }) => steps === 100) });
  expect(one).not.toContain("Tokens to a gap");
  expect(one).not.toMatch(/NaN|Infinity|undefined/);
});

it("joins runs of one kind, and no others", () => {
  const run = { backend: "wasm", validationTokens: 65_536, rows: [row("a", 1, 100, 0.05)] };
  const next = { ...run, rows: [row("a", 2, 100, 0.07)] };
  expect(joinResults([run, next])).toEqual({ ...run, rows: [...run.rows, ...next.rows] });
  expect(() => joinResults([run, { ...next, backend: "blas" }])).toThrow(
    /wasm .* and of blas .* run them the same way/,
  );
  expect(() => joinResults([run, { ...next, validationTokens: 1 }])).toThrow(/cannot be joined/);
  expect(() => joinResults([run, next, run])).toThrow("a, 100 updates, seed 1 twice");
});
