/** Two prompts that differ in what is looked for. */
import { evaluate } from "@normless/autograd";
import { forward, type HostTokens, type Model } from "@normless/gpt2";
import type { Metric } from "../run/gradients.js";
import { batchOf, type Prompts } from "../run/prompts.js";
import { withTokens } from "../run/tokens.js";

/** A prompt (or rows of them) in which the model does what is looked at, and one of the same length in which it does not. */
export interface PromptPair {
  readonly clean: Prompts;
  readonly corrupted: Prompts;
}

/** Both as batches. @throws RangeError for rows of another number or length, and what `batchOf` refuses */
export function batchesOf(pair: PromptPair): { readonly clean: HostTokens; readonly corrupted: HostTokens } {
  const [clean, corrupted] = [batchOf(pair.clean, "clean"), batchOf(pair.corrupted, "corrupted")];
  if (clean.T !== corrupted.T) {
    throw new RangeError(
      `the clean prompt has ${clean.T} tokens and the corrupted one ${corrupted.T}; patching puts what stands at a position in the ` +
        "place of what stands at the same one, so they have the same length",
    );
  }
  if (clean.B !== corrupted.B) {
    throw new RangeError(
      `there are ${clean.B} clean prompts and ${corrupted.B} corrupted ones; they go in pairs`,
    );
  }
  return { clean, corrupted };
}

/** The metric of a run in which nothing is changed. */
export async function metricOf(model: Model, prompts: Prompts, metric: Metric): Promise<number> {
  const { config, params, norms } = model;
  using value = withTokens(model, batchOf(prompts), (tokens) =>
    evaluate((variables) => metric(forward({ config, norms, params: variables }, tokens)), params),
  );
  return value.item();
}
