/** How a training's models are validated: passed in, so that a training knows of no evaluation. */
import type { Model } from "@normless/gpt2";

/** Rows of a batch, and tokens of a row. */
export interface ValidationSizes {
  readonly batchSize: number;
  readonly blockSize: number;
  /** What to do about a loss that is no number. */
  readonly advice?: string | undefined;
}

/** Mean nats a token; yields the targets done so far, batch by batch. `validationLoss` of @normless/evaluate is one. */
export type Validate = (
  model: Model,
  tokens: Uint16Array,
  sizes: ValidationSizes,
) => AsyncGenerator<number, number>;
