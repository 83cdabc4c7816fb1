/** A model whose weights are numbers and whose values are none after one of its tokens: every look at it says where. */
import { NotFiniteError, standardNorms, uploadWeights, type Model } from "@normless/gpt2";
import { wasm } from "@normless/tensor-wasm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { attribute, attributionError } from "@normless/interpret";
import {
  compareModels,
  evaluateTokens,
  measureModel,
  modelOutputs,
  scoreChoices,
  scoreLastWords,
  validationLoss,
} from "@normless/evaluate";
import { removeLayerNorm, type RunEvent } from "../src/index.js";
import { trainModel, trainRecipe } from "@normless/train";
import { config as tiedConfig, corpus, tokens, weights as tiedWeights } from "@normless/gpt2/testing";
import { recipe } from "../src/testing/index.js";

const config = { ...tiedConfig, tied: false };
const { blockSize: T, channels: C } = config;
/** The id after which nothing is a number: its embedding has no mean that float32 holds. */
const BAD = 59;
const weights = {
  ...tiedWeights,
  "lm_head.weight": tiedWeights["wte.weight"],
  "wte.weight": {
    shape: [config.vocabSize, C],
    data: tiedWeights["wte.weight"].data.map((x, i) =>
      Math.floor(i / C) === BAD ? (i % 2 ? 3e38 : -3e38) : x,
    ),
  },
};
const sizes = { batchSize: 4, blockSize: T };
/** 90 tokens that are all fine but one. */
const text = tokens(90, 3).map((id, i) => (i === 5 * T + 3 ? BAD : id === BAD ? 0 : id));
const fine = text.map((id) => (id === BAD ? 0 : id));

let backend: Awaited<ReturnType<typeof wasm>>;
let model: Model;
let good: Model;
beforeAll(async () => {
  backend = await wasm({ threads: 1 });
  const norms = standardNorms(config);
  model = { config, norms, params: await uploadWeights(backend, weights) };
  const whole = { ...weights, "wte.weight": tiedWeights["wte.weight"] };
  good = { config, norms, params: await uploadWeights(backend, whole) };
});
afterAll(() => backend.dispose());

async function finish<X>(work: AsyncGenerator<unknown, X>): Promise<X> {
  for (;;) {
    const next = await work.next();
    if (next.done) return next.value;
  }
}

async function refused(work: Promise<unknown>, message: string | RegExp): Promise<void> {
  const error: unknown = await work.then(
    () => "nothing was refused",
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(NotFiniteError);
  expect((error as Error).message).toMatch(message);
}

describe("a value that is no number ends", () => {
  // Sequence 5 begins at token 80, and its fourth input is the bad one; in attention 0 times NaN is NaN, for those before.
  const place = /NaN at position [0-3] of sequence 5, both counted from 0; the weights are numbers, /;

  it("the loss of tokens, at the first target after it", async () => {
    await refused(finish(evaluateTokens(model, text, sizes)), place);
    await refused(finish(validationLoss(model, text, sizes)), place);
    await refused(modelOutputs(model, text, sizes), place);
    expect(await finish(validationLoss(model, fine, sizes))).toBeGreaterThan(0);
  });

  it("multiple choice, at the row", async () => {
    const rows = [3, 9, BAD, 4].map((id) => ({ context: [1, id], ending: [2, 3] }));
    await refused(
      finish(scoreChoices(model, rows, { batchSize: 3 })),
      /^the loss of what is scored holds NaN at row 2, from 0; /,
    );
    const place = (row: number) => `ending ${row}`;
    await refused(finish(scoreChoices(model, rows, { batchSize: 1, place })), "NaN at ending 2; ");
  });

  it("last words, at the passage", async () => {
    const rows = [3, BAD].map((id) => ({ context: [1, 5], ending: [id, 2] }));
    await refused(
      finish(scoreLastWords(model, rows)),
      "the row of logits holds NaN at id 0 for token 1 of the word of passage 1, all counted from 0; ",
    );
  });

  it("a comparison, at the norm that reads it or the logit", async () => {
    const asked = { blockSize: T };
    await refused(
      finish(compareModels({ a: good, b: model }, text, asked)),
      /norm of model B.s residual at \S+ holds (NaN|Infinity) at position 3 of sequence 5, counted from 0/,
    );
    // Logits alone: the head's own weight is too large for what it reads.
    const head = { shape: [config.vocabSize, C], data: new Float32Array(config.vocabSize * C).fill(3e38) };
    const loud = {
      ...good,
      params: { ...good.params, ...(await uploadWeights(backend, { "lm_head.weight": head })) },
    };
    await refused(
      finish(compareModels({ a: good, b: loud }, text, asked)),
      /the row of logits of model B holds -?(NaN|Infinity) at id 0 at position 0 of sequence 0, all counted from 0; /,
    );
  });

  it("an attribution, and its error", async () => {
    await refused(
      attribute(model, [1, BAD]),
      "attribute: the row of logits after the text holds NaN at id 0; ",
    );
    const early = text.map((id, i) => (i === 2 * T + 3 ? BAD : id));
    await refused(
      finish(attributionError(model, early, { sequences: 6, blockSize: T })),
      /^the final residual holds NaN at channel 0 of the last position of sequence 2, from 0; /,
    );
  });

  it("the stds of an inspection, at the norm and the class", async () => {
    await refused(
      measureModel(model, text, { ...sizes, batches: 9 }),
      /^the std at h\.0\.ln_1 holds (NaN|Infinity) at class rest; /,
    );
  });

  it("a run before anything is trained, and a training that makes it, with advice for each", async () => {
    const input = {
      backend,
      model: { config, weights },
      corpus: { ...corpus, validation: text },
      recipe,
    };
    const events: RunEvent[] = [];
    const run = async () => {
      for await (const event of removeLayerNorm(input)) events.push(event);
    };
    await refused(
      run(),
      /NaN at position [0-3] of row 5 \(plain windows\), both counted from 0; the weights are numbers, /,
    );
    expect(events.some(({ type }) => type === "step")).toBe(false);
    await expect(
      (async () => {
        const learningRate = { peak: 1e35, floor: 1e35, warmupSteps: 0, totalSteps: 24 };
        const asked = { ...trainRecipe, ...recipe, learningRate, evaluateEvery: 1, checkpointEvery: 9 };
        for await (const _event of trainModel({
          validate: validationLoss,
          backend,
          config: tiedConfig,
          corpus,
          recipe: asked,
        }))
          void _event;
      })(),
    ).rejects.toThrow(/training has diverged; lower the learning rate$/);
  });
});
