/** Rows that begin with end-of-text and short rows: what an update is made of, and that a run of them is right. */
import { standardNorms } from "@normless/gpt2";
import { reference } from "@normless/tensor";
import { wasm } from "@normless/tensor-wasm";
import { describe, expect, it } from "vitest";
import { checkRecipe, RecipeError, Trainer } from "@normless/train";
import { removeLayerNorm, type RunEvent } from "../src/index.js";
import { batchNats } from "@normless/evaluate";
import { config, corpus, weights } from "@normless/gpt2/testing";
import { recipe } from "../src/testing/index.js";

const rows = { eotShare: 0.5, shortShare: 0.25, shortTokens: 4 };
const model = { config, corpus };

describe("an update's rows", () => {
  it("are micro-batches of whole and of short rows, none with more tokens than the recipe's", async () => {
    const backend = reference();
    const trainer = await Trainer.create(backend, config, weights, { ...recipe, ...rows, microBatchSize: 2 });
    const batches = trainer.microBatches(corpus.train);
    expect(batches.map(({ B, T }) => [B, T])).toEqual([
      [2, 16],
      [1, 16],
      [4, 4],
    ]);
    const begun = batches.map(
      ({ inputs, B, T }) =>
        Array.from({ length: B }, (_, row) => inputs[row * T] === config.eot).filter(Boolean).length,
    );
    // Every other row of each kind; the text itself may hold end-of-text there, too.
    expect(begun[0] + begun[1]).toBeGreaterThanOrEqual(1);
    expect(begun[2]).toBeGreaterThanOrEqual(2);
    trainer.free();
  });

  it("weigh every token the same: the loss is the mean over all of them", async () => {
    const backend = reference();
    const trainer = await Trainer.create(backend, config, weights, { ...recipe, ...rows });
    const norms = standardNorms(config);
    const device = { config, params: trainer.params, norms };
    let nats = 0;
    for (const batch of trainer.microBatches(corpus.train)) nats += await batchNats(device, batch);
    await trainer.update(corpus.train, { norms, auxiliaryWeight: 0 });
    for await (const { loss } of trainer.results()) {
      expect(loss).toBeCloseTo(nats / (recipe.batchSize * recipe.blockSize), 6);
    }
    trainer.free();
  });

  it("serve a run to its end, which a stop in the middle does not change by a bit", async () => {
    const backend = await wasm({ threads: 1 });
    const input = { backend, model: { config, weights }, corpus, recipe: { ...recipe, ...rows, steps: 20 } };
    const losses = (events: readonly RunEvent[]) =>
      events.flatMap((event) => (event.type === "step" && event.phase === "removal" ? [event.loss] : []));
    const whole: RunEvent[] = [];
    for await (const event of removeLayerNorm(input)) whole.push(event);
    const states = whole.flatMap((event) =>
      event.type === "checkpoint" && event.state.phase === "removal" ? [event.state] : [],
    );
    const resumed: RunEvent[] = [];
    for await (const event of removeLayerNorm({ ...input, resume: states[0] })) resumed.push(event);
    expect(losses(resumed).length).toBeGreaterThan(5);
    expect(losses(resumed)).toEqual(losses(whole).slice(-losses(resumed).length));
    const [done] = whole.flatMap((event) => (event.type === "done" ? [event] : []));
    expect(resumed.at(-1)).toMatchObject({ type: "done", folded: { weights: done.folded.weights } });
    await backend.dispose();
  });
});

describe("a recipe's rows", () => {
  const problem = (more: object, of = model): RecipeError => {
    try {
      checkRecipe({ ...recipe, ...more }, of);
    } catch (error) {
      if (error instanceof RecipeError) return error;
    }
    throw new Error("the recipe was not refused");
  };

  it("are refused where a share is none, where rows cannot be cut, and where there is no end-of-text", () => {
    expect(problem({ eotShare: 1.5 })).toMatchObject({ field: "eotShare", fix: "0 (none) to 1 (all)" });
    expect(problem({ shortShare: -0.5 })).toMatchObject({ field: "shortShare" });
    expect(problem({ shortShare: 0.5, shortTokens: 6 })).toMatchObject({ field: "shortTokens", fix: "4" });
    const without = { ...model, config: { ...config, eot: undefined } };
    expect(problem({ eotShare: 0.25 }, without)).toMatchObject({ field: "eotShare", fix: "0" });
    checkRecipe({ ...recipe, ...rows, eotShare: 0 }, without);
  });
});
