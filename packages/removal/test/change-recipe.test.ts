/** What may change while a run goes on: the past stays, and what is to come is as asked for. */
import { validationLoss } from "@normless/evaluate";
import { presets } from "@normless/gpt2";
import { wasm } from "@normless/tensor-wasm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  changeRemoval,
  describeChanges,
  describeRemoval,
  type Moment,
  plan,
  removalChanges,
  type RemovalRecipe,
  removalRecipes,
  removeLayerNorm,
  type RunEvent,
  type RunInput,
  scaleRecipe,
} from "../src/index.js";
import { changeTraining, trainingChanges, trainModel, trainRecipe, type TrainEvent } from "@normless/train";
import { config, corpus, weights } from "@normless/gpt2/testing";
import { recipe } from "../src/testing/index.js";

const { base, xl } = presets;
const baroni = removalRecipes["baroni-2025-xl"];

describe("wider gaps", () => {
  const factor = fc.double({ min: 0.25, max: 8, noNaN: true });

  it("leave what is gone, and move what is to come away from now", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 720 }), factor, (step, gapFactor) => {
        const moment: Moment = { phase: "removal", step };
        const wider = changeRemoval(baroni, { gapFactor }, moment);
        const [before, after] = [plan(baroni, xl), plan(wider, xl)];
        expect(after.map(describeRemoval)).toEqual(before.map(describeRemoval));
        // Before the first norm goes, the wait for it stays.
        const from = Math.max(step, 50);
        before.forEach((removal, i) => {
          const due = removal.step < step ? removal.step : from + (removal.step - from) * gapFactor;
          expect(Math.abs(after[i].step - due)).toBeLessThanOrEqual(0.5 * (1 + gapFactor));
          if (removal.step < step) expect(after[i].step).toBe(removal.step);
          else expect(after[i].step).toBeGreaterThanOrEqual(step);
        });
        const model = { layers: xl.layers };
        const roomy = { ...wider, steps: 100_000, learningRate: baroni.learningRate };
        const long = { ...baroni, steps: 100_000 };
        expect(() => removalChanges(long, roomy, { ...moment, model })).not.toThrow();
      }),
    );
  });

  it("again and again add up, and scale with the recipe", () => {
    const once = changeRemoval(baroni, { gapFactor: 2 }, { phase: "removal", step: 100 });
    const twice = changeRemoval(once, { gapFactor: 3 }, { phase: "removal", step: 200 });
    const steps = (one: RemovalRecipe) => plan(one, xl).map(({ step }) => step);
    // h.12.ln_2 was due at 98, h.13 at 102, and so on every 4 updates.
    expect(steps(baroni).slice(12, 15)).toEqual([98, 102, 106]);
    expect(steps(once).slice(12, 15)).toEqual([98, 104, 112]);
    expect(steps(once).slice(24, 28)).toEqual([192, 200, 208, 216]);
    expect(steps(twice).slice(24, 28)).toEqual([192, 200, 224, 248]);
    const half = scaleRecipe(twice, { steps: twice.steps / 2 }).recipe;
    steps(twice).forEach((step, i) => expect(Math.abs(steps(half)[i] - step / 2)).toBeLessThanOrEqual(1));
  });

  it("in the control are those of the whole removal", () => {
    const wider = changeRemoval(baroni, { gapFactor: 2 }, { phase: "control", step: 500 });
    expect(
      plan(wider, xl)
        .slice(0, 3)
        .map(({ step }) => step),
    ).toEqual([50, 58, 66]);
  });

  it("are for a pace at fixed steps", () => {
    const taper = removalRecipes["taper-norm-2026"];
    expect(() => changeRemoval(taper, { gapFactor: 2 }, { phase: "removal", step: 5 })).toThrow(
      /the pace of taper-norm-2026 is taper and has no gaps/,
    );
  });
});

describe("another learning rate or number of updates", () => {
  it("keeps the proportion of peak and floor, and of the cosine's end", () => {
    const { steps, learningRate } = changeTraining(baroni, { learningRate: 5e-5, steps: 1000 }, 0);
    expect({ steps, ...learningRate }).toEqual({
      ...{ steps: 1000, peak: 5e-5, floor: 1e-5, warmupSteps: 20, totalSteps: 1500 },
    });
    expect(changeTraining(baroni, {}, 0)).toEqual(baroni);
    expect(() => changeTraining(baroni, { steps: 99 }, 100)).toThrow(
      /100 updates are done already; give steps 100/,
    );
  });

  it("is told in words", () => {
    const asked = { learningRate: 5e-5, auxiliaryWeight: 0.02, gapFactor: 2, steps: 1000 };
    const changed = changeRemoval(baroni, asked, { phase: "removal", step: 100 });
    const changes = removalChanges(baroni, changed, { phase: "removal", step: 100, model: xl });
    expect(describeChanges(changes)).toBe(
      "steps 800 → 1000, learning rate 0.0001 → 0.00005, auxiliary weight 0.01 → 0.02, gaps ×2 from step 100 on",
    );
    expect(trainingChanges(trainRecipe, trainRecipe)).toEqual([]);
  });

  it("is all that may change, and not the past", () => {
    const moment = { phase: "removal", step: 100, model: xl } as const;
    const change = (after: RemovalRecipe) => () => removalChanges(baroni, after, moment);
    expect(change({ ...baroni, seed: 5 })).toThrow(
      /seed is 5 and was 1337 .* cannot change while a run goes on/,
    );
    expect(change({ ...baroni, loss: "distillation" })).toThrow(/loss is "distillation"/);
    const { pace } = baroni;
    if (pace.kind !== "fixed") throw new Error("it is at fixed steps");
    expect(change({ ...baroni, pace: { ...pace, gaps: { ...pace.gaps, ln_2: 8 } } })).toThrow(
      /h.1.ln_2 would have gone at another step before 100/,
    );
    expect(change({ ...baroni, pace: { ...pace, gaps: { ...pace.gaps, "ln_1:v": 8 } } })).not.toThrow();
  });
});

const timeless = (events: readonly (RunEvent | TrainEvent)[]) =>
  events.flatMap((event): unknown[] => {
    const { seconds: _s, tokensPerSecond: _t, ...rest } = { seconds: 0, tokensPerSecond: 0, ...event };
    if (rest.type === "plan" || rest.type === "checkpoint" || rest.type === "progress") return [];
    if (rest.type !== "done") return [rest];
    return ["folded" in rest ? rest.folded.weights : rest.model.weights];
  });

describe("a run that goes on with another recipe", () => {
  async function run(input: Partial<RunInput>): Promise<RunEvent[]> {
    const backend = await wasm({ threads: 1 });
    const events: RunEvent[] = [];
    for await (const event of removeLayerNorm({
      backend,
      model: { config, weights },
      corpus,
      recipe,
      ...input,
    })) {
      events.push(event);
    }
    await backend.dispose();
    return events;
  }
  const of = <T extends RunEvent["type"]>(events: readonly RunEvent[], type: T) =>
    events.filter((event): event is Extract<RunEvent, { type: T }> => event.type === type);
  const stateAt = (events: readonly RunEvent[], phase: string, step: number) =>
    structuredClone(
      of(events, "checkpoint").find(({ state }) => state.phase === phase && state.step === step)!.state,
    );

  it("says so, holds to it from there on, and is the same when it is stopped and resumed", async () => {
    const whole = await run({});
    const resume = stateAt(whole, "removal", 7);
    const asked = { learningRate: 1e-3, gapFactor: 2, steps: 36, auxiliaryWeight: 0.05 };
    const changed = changeRemoval(recipe, asked, resume);
    const events = await run({ resume, changed });
    expect(of(events, "change")).toHaveLength(1);
    expect(of(events, "change")[0]).toMatchObject({ phase: "removal", step: 7 });
    const steps = of(events, "step");
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 29 }, (_, i) => 8 + i));
    expect(Math.max(...steps.map(({ learningRate }) => learningRate))).toBeLessThan(1e-3);
    expect(of(events, "plan")[0].removals).toEqual(plan(changed, config));
    const later = plan(changed, config).filter(({ step }) => step >= 7);
    expect(of(events, "removal").map(({ removal }) => removal)).toEqual(later);
    expect(of(events, "done")[0].summary.tokens).toBe((24 + 36) * 4 * 16);

    const state = stateAt(events, "removal", 14);
    expect(state.recipe).toEqual(changed);
    for (const again of [{ resume: state }, { resume: state, changed }]) {
      const rest = timeless(await run(again));
      expect(rest).toEqual(timeless(events).slice(-rest.length));
      expect(rest.length).toBeGreaterThan(20);
    }
  });

  it("in its control changes that and the removal", async () => {
    const whole = await run({});
    const resume = stateAt(whole, "control", 14);
    const changed = changeRemoval(recipe, { learningRate: 1e-3 }, resume);
    const events = await run({ resume, changed });
    const rates = (phase: string) =>
      of(events, "step").flatMap((event) => (event.phase === phase ? [event.learningRate] : []));
    expect(rates("control").at(-1)).toBe(rates("removal").at(-1));
    expect(Math.max(...rates("removal"))).toBe(1e-3);
  });

  it("after its last update validates again", async () => {
    const stop = new AbortController();
    const events: RunEvent[] = [];
    const backend = await wasm({ threads: 1 });
    const input = { backend, model: { config, weights }, corpus, recipe, signal: stop.signal };
    for await (const event of removeLayerNorm(input)) {
      events.push(event);
      if (event.type === "progress" && event.what === "folded") stop.abort();
    }
    await backend.dispose();
    const [{ state: resume }] = of(events, "checkpoint").slice(-1);
    expect(resume.validation.frozen).toBeDefined();
    const changed = changeRemoval(recipe, { steps: 26 }, resume);
    const more = await run({ resume, changed });
    expect(of(more, "step").map(({ step }) => step)).toEqual([25, 26]);
    expect(of(more, "eval").map(({ model }) => model)).toEqual(["frozen", "folded"]);
  });

  it("trains likewise", async () => {
    const asked = { ...trainRecipe, ...recipe, evaluateEvery: 100, checkpointEvery: 8 };
    const train = async (more: object) => {
      const backend = await wasm({ threads: 1 });
      const events: TrainEvent[] = [];
      for await (const event of trainModel({
        validate: validationLoss,
        backend,
        config,
        corpus,
        recipe: asked,
        ...more,
      }))
        events.push(event);
      await backend.dispose();
      return events;
    };
    const states = (events: readonly TrainEvent[]) =>
      events.flatMap((event) => (event.type === "checkpoint" ? [structuredClone(event.state)] : []));
    const [resume] = states(await train({}));
    const changed = changeTraining(asked, { learningRate: 1e-3, steps: 30 }, resume.step);
    const events = await train({ resume, changed });
    expect(events[0]).toMatchObject({ type: "change", phase: "train", step: 8 });
    const steps = events.flatMap((event) => (event.type === "step" ? [event] : []));
    expect(steps.at(-1)!.step).toBe(30);
    const [, later] = states(events);
    const rest = timeless(await train({ resume: later }));
    expect(rest).toEqual(timeless(events).slice(-rest.length));
  });
});

it("of the model that ships, a plan of twice the gaps takes twice as long", () => {
  const { distilled } = removalRecipes;
  const wider = changeRemoval(distilled, { gapFactor: 2 }, { phase: "removal", step: 0 });
  const length = (asked: RemovalRecipe) => plan(asked, base).at(-1)!.step - 10;
  expect(length(wider)).toBe(2 * length(distilled));
});
