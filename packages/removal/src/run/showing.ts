/** What a run shows of its models besides their losses, each put on the backend for as long as that takes. */
import { freeParams, type HostModel, type Model, sampleText, uploadWeights } from "@normless/gpt2";
import { logitsDifference, measureModel } from "@normless/evaluate";
import type { RunEvent, SampleEvent } from "../events.js";
import { measureFirstPosition } from "../validation/first-position.js";
import type { Given } from "./given.js";

/** Batches that stds are measured on. */
const STD_BATCHES = 8;

/** How large the first position is; no event where rows have nothing but that. */
export async function* firstPosition(
  given: Given,
  of: "original" | "frozen",
  model: HostModel,
): AsyncGenerator<RunEvent, void> {
  const { recipe, corpus } = given;
  const event = await onDevice(given, model, (device) =>
    measureFirstPosition(device, { recipe, train: corpus.train, of }),
  );
  if (event) yield event;
}

/** The std at every norm. */
export async function* stds(
  given: Given,
  of: "original" | "frozen",
  model: HostModel,
): AsyncGenerator<RunEvent, void> {
  const measured = await onDevice(given, model, (device) =>
    measureModel(device, given.validation, { ...microBatch(given), batches: STD_BATCHES }),
  );
  yield { type: "stds", model: of, stds: measured };
}

/** How far the folded model's logits are from the frozen one's. */
export async function* foldDifference(
  given: Given,
  { folded, frozen }: Readonly<Record<"folded" | "frozen", HostModel>>,
): AsyncGenerator<RunEvent, void> {
  const relativeDifference = await onDevice(given, folded, (a) =>
    onDevice(given, frozen, (b) => logitsDifference(a, b, given.validation, microBatch(given))),
  );
  yield { type: "fold", relativeDifference };
}

/** What the model writes after the prompt; nothing where there is none, or no tokenizer. */
export async function* sample(
  given: Given,
  of: SampleEvent["model"],
  model: HostModel,
): AsyncGenerator<RunEvent, void> {
  const { prompt, recipe } = given;
  const { tokenizer } = given.model;
  if (!tokenizer || prompt === undefined) return;
  const text = await onDevice(given, model, (device) => sampleText(device, tokenizer, prompt, recipe.seed));
  yield { type: "sample", model: of, prompt, text };
}

function microBatch({ recipe }: Given) {
  return { batchSize: recipe.microBatchSize, blockSize: recipe.blockSize };
}

async function onDevice<X>(
  { backend }: Given,
  model: HostModel,
  use: (device: Model) => Promise<X>,
): Promise<X> {
  const params = await uploadWeights(backend, model.weights);
  try {
    return await use({ ...model, params });
  } finally {
    freeParams(params);
  }
}
