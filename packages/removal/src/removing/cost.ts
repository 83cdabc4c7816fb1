/**
 * What a removal costs at once: the loss without the norm minus the loss with it, on sequences of the coming batch, in
 * the loss that the run trains on and without the auxiliary one. So it is how far the loss would jump at that step.
 */
import type { NormTable } from "@normless/gpt2";
import { batchRows } from "@normless/text";
import type { Trainer } from "@normless/train";

/** Sequences of the coming batch on which a removal at a fixed step is measured. */
export const COST_SEQUENCES = 4;

/** What is said to cost this leaves a loss that is no number: nothing costs more, and metrics.jsonl can say numbers alone. */
export const NO_NUMBER = Number.MAX_VALUE;

/** Losses at one step, of tables that lose one thing after another. */
export class CostProbe {
  #tokens = 0;
  #loss: number | undefined;

  constructor(
    readonly trainer: Trainer,
    readonly train: Uint16Array,
  ) {}

  /** Tokens looked at so far. */
  get tokens(): number {
    return this.#tokens;
  }

  /**
   * Nats that the step from one table to the next costs; what comes `after` is taken for the next one's `before`.
   * @throws DivergedError when the loss is no number before anything is taken.
   */
  async cost(before: NormTable, after: NormTable): Promise<number> {
    if (this.#loss === undefined) {
      this.#loss = await this.#measure(before);
      this.trainer.checkLoss(this.#loss);
    }
    const now = this.#loss;
    this.#loss = await this.#measure(after);
    const nats = this.#loss - now;
    return Number.isFinite(nats) ? nats : NO_NUMBER;
  }

  async #measure(norms: NormTable): Promise<number> {
    const { trainer } = this;
    const [batch] = trainer.rows(this.train);
    const some = batchRows(batch, 0, Math.min(COST_SEQUENCES, batch.B));
    this.#tokens += some.B * some.T;
    return trainer.loss(some, norms);
  }
}
