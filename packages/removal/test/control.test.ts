/** The control: all that the removal is trained with, but for the removal, and the auxiliary loss where a recipe says so. */
import { standardNorms } from "@normless/gpt2";
import { wasm, type WasmBackend } from "@normless/tensor-wasm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  describeControl,
  type RemovalRecipe,
  removalRecipes,
  removeLayerNorm,
  type RunEvent,
  type RunInput,
} from "../src/index.js";
import { Trainer } from "@normless/train";
import { config, corpus, weights } from "@normless/gpt2/testing";
import { recipe as tiny } from "../src/testing/index.js";

const recipe = { ...tiny, validationTokens: 100, checkpointEvery: 10 };
const taper: RemovalRecipe = { ...recipe, pace: { kind: "taper", begin: 4, end: 8, keep: 0.5 } };
const published = (of: RemovalRecipe): RemovalRecipe => ({ ...of, controlAuxiliary: false });

let backend: WasmBackend;
beforeAll(async () => {
  backend = await wasm({ threads: 1 });
});
afterAll(() => backend.dispose());

/** Up to the control, which is the last event then. */
async function untilControl(asked: RemovalRecipe, more: Partial<RunInput> = {}) {
  const events: RunEvent[] = [];
  const input = { backend, model: { config, weights }, corpus, recipe: asked, ...more };
  for await (const event of removeLayerNorm(input)) {
    events.push(event);
    if (event.type === "control") return { events, control: event };
  }
  throw new Error("there is no control");
}

/** The weights after updates with LayerNorm everywhere, at the auxiliary weight and target of each. */
async function trainedBy(asked: RemovalRecipe, how: (step: number) => { weight: number; target?: number }) {
  const trainer = await Trainer.create(backend, config, weights, asked);
  try {
    while (trainer.step < asked.steps) {
      const { weight: auxiliaryWeight, target: auxiliaryTarget } = how(trainer.step);
      await trainer.update(corpus.train, { norms: standardNorms(config), auxiliaryWeight, auxiliaryTarget });
      for await (const _ of trainer.results());
    }
    return (await trainer.save()).weights;
  } finally {
    trainer.free();
  }
}

describe("a control", () => {
  it("has the auxiliary loss in every update where its recipe says so, and else in none", async () => {
    const { auxiliaryWeight } = recipe;
    const [own, other] = [await untilControl(recipe), await untilControl(published(recipe))];
    const withIt = await trainedBy(recipe, () => ({ weight: auxiliaryWeight }));
    expect(own.control.model.weights).toEqual(withIt);
    expect(other.control.model.weights).toEqual(await trainedBy(recipe, () => ({ weight: 0 })));
    expect(other.control.model.weights).not.toEqual(withIt);
    for (const { events, control } of [own, other]) {
      expect(control.model.norms).toEqual(standardNorms(config));
      const losses = events.flatMap((event) => (event.type === "eval" ? [[event.model, event.loss]] : []));
      expect(Object.entries(control.validation)).toEqual(losses);
    }
  });

  it("of a taper has it from the taper's begin on, at the scale before it, as the removal has", async () => {
    const { control } = await untilControl(taper);
    // The removal and the control are the same until then.
    const states: RunEvent[] = [];
    const input = { backend, model: { config, weights }, corpus, recipe: { ...taper, checkpointEvery: 4 } };
    for await (const event of removeLayerNorm(input)) states.push(event);
    const [first] = states.flatMap((event) =>
      event.type === "checkpoint" && event.state.phase === "removal" ? [event.state] : [],
    );
    const { sum = 0, weight = 1 } = first.removal.taper?.scale ?? {};
    const target = sum / weight;
    expect(control.model.weights).toEqual(
      await trainedBy(taper, (step) =>
        step < 4 ? { weight: 0 } : { weight: taper.auxiliaryWeight, target },
      ),
    );
  });

  it.each([
    ["fixed", recipe],
    ["taper", taper],
  ])("of a %s pace goes on from a checkpoint with the same bits", async (_, asked) => {
    const whole = await untilControl(asked);
    const states = whole.events.flatMap((event) => (event.type === "checkpoint" ? [event.state] : []));
    expect(states.map(({ step }) => step)).toEqual([10, 20, 24]);
    for (const state of states) {
      const { control } = await untilControl(asked, { resume: structuredClone(state) });
      expect(control.model.weights).toEqual(whole.control.model.weights);
    }
  });
});

it("our recipes' controls have the auxiliary loss, the published ones' have not, and it is said", () => {
  for (const { name, controlAuxiliary, source } of Object.values(removalRecipes)) {
    const isPublished = /^(heimersheim|baroni|taper-norm)/.test(name);
    expect([source, controlAuxiliary]).toEqual([source, !isPublished]);
  }
  const of = (name: string) => describeControl(removalRecipes[name]);
  expect(of("baroni-2025-small")).toContain(
    "but without the auxiliary loss (λ = 0.1) that the LN-free model had",
  );
  expect(of("heimersheim-2024")).toMatch(/with the same schedule\.$/);
  expect(describeControl(recipe)).toContain("and the auxiliary loss (λ = 0.1): nothing but the removal");
  expect(describeControl({ ...recipe, loss: "distillation" })).toBeUndefined();
});
