/** What a removal at a fixed step is said to cost, against losses by plain loops. */
import type { NormTable, WeightsInMemory } from "@normless/gpt2";
import { frozenNorm, type Norm } from "@normless/layernorm";
import { reference } from "@normless/tensor";
import { batchAt } from "@normless/text";
import { expect, it } from "vitest";
import { type RemovalEvent, type RemovalRecipe, removeLayerNorm, type RunState } from "../src/index.js";
import { naivePass, softmax } from "@normless/gpt2/testing";
import { config, corpus, weights as fresh } from "@normless/gpt2/testing";
import { recipe } from "../src/testing/index.js";

/** Large enough that what a norm does is seen in the digits. */
const weights: WeightsInMemory = Object.fromEntries(
  Object.entries(fresh).map(([name, { shape, data }]) => [
    name,
    { shape, data: shape.length > 1 ? data.map((value) => 6 * value) : data },
  ]),
);

/** The next tokens' nats, or KL(original ‖ model), a token of the first four rows of the batch of `step`. */
function naiveLoss(
  asked: RemovalRecipe,
  step: number,
  model: { weights: WeightsInMemory; norms: NormTable },
): number {
  const { batchSize, blockSize: T, seed, loss } = asked;
  const { inputs, targets } = batchAt({ tokens: corpus.train, batchSize, blockSize: T, seed, step });
  let [sum, count] = [0, 0];
  for (let row = 0; row < 4; row++) {
    const ids = [...inputs.subarray(row * T, (row + 1) * T)];
    const { logits } = naivePass({ config, ...model }, ids);
    const standard: Norm = { kind: "standard", eps: config.eps };
    const norms = Object.fromEntries(Object.keys(model.norms).map((site) => [site, standard]));
    const original = naivePass({ config, weights, norms }, ids).logits.map(softmax);
    logits.map(softmax).forEach((predicted, t) => {
      count += 1;
      if (loss === "cross-entropy") sum -= Math.log(predicted[targets[row * T + t]]);
      else predicted.forEach((p, id) => (sum += original[t][id] * Math.log(original[t][id] / p)));
    });
  }
  return sum / count;
}

function without(norms: NormTable, { removal, std }: RemovalEvent): NormTable {
  if (removal.kind === "freeze") return { ...norms, [removal.site]: frozenNorm(std!) };
  if (removal.kind === "taper") throw new Error("a fixed plan has no taper");
  const { positionClass } = removal;
  const dropped = (norm: Norm) =>
    norm.kind === "frozen" ? frozenNorm({ ...norm.std, [positionClass]: norm.std.rest }) : norm;
  return Object.fromEntries(Object.entries(norms).map(([site, norm]) => [site, dropped(norm)]));
}

it.each([
  // Rows that do not divide into micro-batches, and two removals at one step.
  { ...recipe, steps: 12, batchSize: 6, microBatchSize: 3 },
  { ...recipe, steps: 12, loss: "distillation", auxiliaryWeight: 0, weightDecay: 0 } as const,
])("is what the $loss rises by at once", async (sized) => {
  const gaps = { ln_2: 1, "ln_1:qk": 0.5, "ln_1:v": 1 };
  const pace = { kind: "fixed", start: 2, gaps, eotAfter: 1, firstAfter: 2 } as const;
  const asked: RemovalRecipe = { ...sized, pace, checkpointEvery: 1 };
  const backend = reference();
  const removals: RemovalEvent[] = [];
  const states = new Map<number, RunState>();
  let probedTokens = 0;
  const validation = corpus.validation.subarray(0, 40);
  const input = { backend, model: { config, weights }, corpus: { ...corpus, validation }, recipe: asked };
  for await (const event of removeLayerNorm(input)) {
    if (event.type === "removal") removals.push(event);
    if (event.type === "checkpoint" && event.state.phase === "removal")
      states.set(event.state.step, event.state);
    if (event.type === "done") ({ probedTokens } = event.summary);
  }
  const steps = new Set(removals.map(({ step }) => step));
  expect(removals).toHaveLength(9);
  expect(steps.size).toBeLessThan(9);
  expect(probedTokens).toBe((steps.size + removals.length) * 4 * 16);
  for (const step of steps) {
    const state = states.get(step)!;
    let { norms } = state.removal;
    for (const event of removals.filter((one) => one.step === step)) {
      const after = without(norms, event);
      const [now, then] = [norms, after].map((table) =>
        naiveLoss(asked, step, { weights: state.weights, norms: table }),
      );
      expect(event.damage).toBeCloseTo(then - now, 5);
      norms = after;
    }
  }
  expect(Math.max(...removals.map(({ damage }) => Math.abs(damage!)))).toBeGreaterThan(0.01);
});
