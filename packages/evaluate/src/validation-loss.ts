/** The loss of a model on a text, every target counted once. */
import type { Model } from "@normless/gpt2";
import { sequentialBatches } from "@normless/text";
import { batchNats, checkBatchNats } from "./nats.js";

/** Rows of a batch, and tokens of a row. */
export interface BatchSizes {
  readonly batchSize: number;
  readonly blockSize: number;
}

/** How a text is cut into batches, and what to say of a loss that is no number. */
export interface ValidationOptions extends BatchSizes {
  /** What to do about a loss that is no number. Default: the weights are numbers. */
  readonly advice?: string | undefined;
}

/**
 * Mean nats a token, every target counted once; yields the targets done so far, batch by batch.
 * @throws NotFiniteError naming the first target whose nats are no number
 */
export async function* validationLoss(
  model: Model,
  tokens: Uint16Array,
  { advice, ...sizes }: ValidationOptions,
): AsyncGenerator<number, number> {
  let total = 0;
  let done = 0;
  let sequence = 0;
  for (const batch of sequentialBatches({ tokens, ...sizes })) {
    const nats = await batchNats(model, batch);
    await checkBatchNats(nats, model, batch, { sequence, advice });
    total += nats;
    done += batch.targets.length;
    sequence += batch.B;
    yield done;
  }
  return total / done;
}
