import { presets, standardNorms } from "@normless/gpt2";
import { isUniform } from "@normless/layernorm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  applyRemoval,
  checkPlan,
  describeRemoval,
  plan,
  referenceRecipe,
  type RemovalSchedule,
} from "../src/core/index.js";

/** The published schedule of 2024 for GPT-2 small. */
const published: RemovalSchedule = {
  ln_2: { start: 200, gap: 20 },
  "ln_1:qk": { start: 440, gap: 20 },
  "ln_1:v": { start: 680, gap: 30 },
  ln_f: 1040,
  eot: 1060,
  first: 1160,
};

describe("the plan", () => {
  it("is the published one, event by event", () => {
    const events = plan(published, presets.small).map(
      (removal) => `${removal.step} ${describeRemoval(removal)}`,
    );
    expect(events).toHaveLength(3 * 12 + 1 + 2);
    expect(events.slice(0, 3)).toEqual(["200 h.0.ln_2", "220 h.1.ln_2", "240 h.2.ln_2"]);
    expect(events[11]).toBe("420 h.11.ln_2");
    expect([events[12], events[23]]).toEqual(["440 h.0.ln_1:qk", "660 h.11.ln_1:qk"]);
    expect([events[24], events[35]]).toEqual(["680 h.0.ln_1:v", "1010 h.11.ln_1:v"]);
    expect(events.slice(36)).toEqual([
      "1040 ln_f",
      "1060 the end-of-text constant",
      "1160 the first-position constant",
    ]);
  });

  it("of the reference recipe removes everything from the model that ships, well before it ends", () => {
    const removals = plan(referenceRecipe.schedule, presets.base);
    expect(() => checkPlan(removals, referenceRecipe.steps)).not.toThrow();
    expect(removals.at(-1)!.step).toBeLessThan(referenceRecipe.steps * 0.6);
  });

  it("leaves every norm frozen with one constant", () => {
    const std = fc.double({ min: 0.1, max: 200, noNaN: true });
    const average = fc.record({ first: std, eot: std, rest: std });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), average, (layers, stds) => {
        const config = { layers, eps: 1e-5 };
        let norms = standardNorms(config);
        const modules = [
          "ln_f",
          ...Array.from({ length: layers }, (_, i) => [`h.${i}.ln_1`, `h.${i}.ln_2`]).flat(),
        ];
        const averages = Object.fromEntries(modules.map((module) => [module, stds]));
        const frozen = () => Object.values(norms).filter(({ kind }) => kind === "frozen").length;
        for (const removal of plan(published, config)) {
          const before = frozen();
          norms = applyRemoval(norms, removal, averages);
          expect(frozen() - before).toBe(removal.kind === "freeze" ? 1 : 0);
        }
        expect(Object.keys(norms)).toHaveLength(3 * layers + 1);
        expect(Object.values(norms).every(isUniform)).toBe(true);
      }),
    );
  });

  it("refuses a schedule that cannot end LN-free, and an unmeasured norm", () => {
    const config = presets.base;
    expect(() => checkPlan(plan(published, presets.small), 1000)).toThrow(
      /removes h.11.ln_1:v at step 1010, outside of steps 1 to 999/,
    );
    expect(() => checkPlan(plan({ ...published, eot: 500 }, config), 2000)).toThrow(
      /drops the end-of-text constant at step 500, before the last norm is frozen at step 1040/,
    );
    const [first] = plan(published, config);
    expect(() => applyRemoval(standardNorms(config), first, {})).toThrow(/h.0.ln_2 cannot be frozen/);
  });
});
