/** Each way of removing, in whole tiny runs: what it removes when, and that a stopped run goes on with the same bits. */
import { isFolded, moduleOf, normSites } from "@normless/gpt2";
import type { Backend } from "@normless/tensor";
import { wasm } from "@normless/tensor-wasm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type RemovalRecipe,
  removalRecipes,
  removeLayerNorm,
  type RunEvent,
  type RunState,
} from "../src/index.js";
import { config, corpus, weights } from "@normless/gpt2/testing";
import { recipe } from "../src/testing/index.js";

let backend: Backend;
beforeAll(async () => {
  backend = await wasm({ threads: 1 });
});
afterAll(() => backend.dispose());

async function run(asked: RemovalRecipe, resume?: RunState): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  const input = { backend, model: { config, weights }, corpus, recipe: asked, resume };
  for await (const event of removeLayerNorm(input)) events.push(event);
  return events;
}

const of = <T extends RunEvent["type"]>(events: readonly RunEvent[], type: T) =>
  events.filter((event): event is Extract<RunEvent, { type: T }> => event.type === type);

/** What must be the same however often the run was stopped. */
function bits(events: readonly RunEvent[]) {
  const steps = of(events, "step").map(({ phase, step, loss, gradNorm }) => ({
    phase,
    step,
    loss,
    gradNorm,
  }));
  const [done] = of(events, "done");
  return {
    steps,
    removals: of(events, "removal"),
    weights: done.folded.weights,
    norms: done.frozen.norms,
    probedTokens: done.summary.probedTokens,
  };
}

/** From every checkpoint of the removal, the rest is that of the run that never stopped. */
async function expectSameResumed(asked: RemovalRecipe, whole: readonly RunEvent[]): Promise<void> {
  const states = of(whole, "checkpoint").flatMap(({ state }) => (state.phase === "removal" ? [state] : []));
  expect(states.length).toBeGreaterThan(1);
  const expected = bits(whole);
  for (const state of states) {
    const resumed = bits(await run(asked, structuredClone(state)));
    expect(resumed.weights).toEqual(expected.weights);
    expect(resumed.norms).toEqual(expected.norms);
    expect(resumed.probedTokens).toBe(expected.probedTokens);
    for (const part of ["steps", "removals"] as const) {
      const rest = expected[part].slice(expected[part].length - resumed[part].length);
      expect(resumed[part]).toEqual(rest);
    }
  }
}

function expectLnFree(events: readonly RunEvent[]): void {
  const [done] = of(events, "done");
  expect(isFolded(done.folded.norms)).toBe(true);
  expect(of(events, "fold")[0].relativeDifference).toBeLessThan(1e-4);
}

describe("a taper", () => {
  const pace = { kind: "taper", begin: 6, end: 16, keep: 0.9 } as const;
  const asked: RemovalRecipe = { ...recipe, steps: 24, checkpointEvery: 5, auxiliaryWeight: 0.1, pace };

  it("calibrates, lets the gate fall, ends frozen at what it calibrated, and resumes", async () => {
    const events = await run(asked);
    expectLnFree(events);
    expect(of(events, "removal").map(({ step, removal }) => [step, removal.kind])).toEqual([
      [6, "taper"],
      [16, "taper"],
    ]);
    const states = of(events, "checkpoint").flatMap(({ state }) =>
      state.phase === "removal" ? [state] : [],
    );
    const [before, middle, late] = states.map(({ removal }) => removal);
    expect(new Set(Object.values(before.norms).map(({ kind }) => kind))).toEqual(new Set(["standard"]));
    // The checkpoint after update 10 holds the gate of that update, the fourth after the beginning.
    const gate = 0.5 * (1 + Math.cos((Math.PI * 3) / 10));
    const { norms: frozen } = of(events, "done")[0].frozen;
    for (const site of normSites(config)) {
      const { std } = frozen[site] as { std: { first: number; rest: number } };
      const ln1 = frozen[site.replace(":qk", ":v")];
      expect(middle.norms[site]).toEqual({ kind: "tapered", eps: config.eps, gate, std: std.rest });
      expect(frozen[site]).toEqual(ln1);
      expect(std.first).toBe(std.rest);
      const { numerator, denominator } = late.taper!.calibration[moduleOf(site)];
      expect(std.rest).toBe(denominator.sum / denominator.weight / (numerator.sum / numerator.weight));
    }
    expect(late.taper).toEqual(middle.taper);
    await expectSameResumed(asked, events);
  });
});

describe("a fixed removal", () => {
  it("with constants of the original keeps them, whatever training does, and resumes", async () => {
    const { constants } = removalRecipes["heimersheim-2024"];
    const asked = { ...recipe, constants };
    const events = await run(asked);
    expectLnFree(events);
    const states = of(events, "checkpoint").flatMap(({ state }) =>
      state.phase === "removal" ? [state] : [],
    );
    const [first, ...later] = states.map(({ removal }) => removal.averages);
    expect(Object.keys(first)).toHaveLength(2 * config.layers + 1);
    for (const averages of later) expect(averages).toEqual(first);
    await expectSameResumed(asked, events);
  });

  it("with all tokens as one class has one constant from the start", async () => {
    const special = "none" as const;
    const events = await run({ ...recipe, constants: { ...recipe.constants, special } });
    expectLnFree(events);
    const removals = of(events, "removal");
    expect(removals).toHaveLength(3 * config.layers + 1);
    for (const { std } of removals) expect(std!.first).toBe(std!.rest);
  });

  it("with a shared std moves query/key's until value is frozen, and ends with one for both", async () => {
    const asked = { ...recipe, checkpointEvery: 1 };
    const shared = { ...asked, constants: { ...recipe.constants, shareQkv: true } };
    const [apart, together] = [await run(asked), await run(shared)];
    const stds = (events: readonly RunEvent[], site: string) =>
      of(events, "checkpoint").flatMap(({ state }) => {
        const norm = state.phase === "removal" ? state.removal.norms[site] : undefined;
        return norm?.kind === "frozen" ? [norm.std.rest] : [];
      });
    const between = 2;
    expect(new Set(stds(apart, "h.0.ln_1:qk")).size).toBe(1);
    expect(new Set(stds(together, "h.0.ln_1:qk").slice(0, between)).size).toBe(between);
    const { norms } = of(together, "done")[0].frozen;
    expect(norms["h.0.ln_1:qk"]).toEqual(norms["h.0.ln_1:v"]);
    const { norms: own } = of(apart, "done")[0].frozen;
    expect(own["h.0.ln_1:qk"]).not.toEqual(own["h.0.ln_1:v"]);
    await expectSameResumed(
      shared,
      together.filter((e) => e.type !== "checkpoint" || e.state.step % 5 === 0),
    );
  });

  it("as released in 2024 folds channel 0 by its own constant", async () => {
    const constants = { ...removalRecipes["heimersheim-2024"].constants, special: "released-2024" as const };
    const events = await run({ ...recipe, constants });
    expectLnFree(events);
    const { norms } = of(events, "done")[0].frozen;
    const channels = Object.entries(norms).filter(([, norm]) => "firstChannel" in norm);
    expect(channels.map(([site]) => site).sort()).toEqual(["h.0.ln_2", "h.1.ln_2", "ln_f"]);
  });
});
