/** How long a job still takes: work is tokens trained on and tokens looked at, each at the pace seen so far. */

export interface Work {
  /** Tokens to train on. */
  readonly train: number;
  /** Tokens to run forward only. */
  readonly evaluate: number;
}

/** A training step is a forward pass and a backward pass of twice its work. */
const TRAIN_PER_EVALUATE = 3;

export class TimeLeft {
  readonly #spent = { train: 0, evaluate: 0 };
  readonly #done = { train: 0, evaluate: 0 };
  #last: number;

  /** @param now milliseconds */
  constructor(
    readonly work: Work,
    now: number,
  ) {
    this.#last = now;
  }

  /** Time since the last call went into so many tokens of that kind. */
  did(kind: keyof Work, tokens: number, now: number): void {
    this.#spent[kind] += now - this.#last;
    this.#done[kind] += tokens;
    this.#last = now;
  }

  /** Time since the last call went into something that is not counted. */
  skip(now: number): void {
    this.#last = now;
  }

  /** 0 to 1, in units of time expected. */
  get fraction(): number {
    const cost = (work: Work) => TRAIN_PER_EVALUATE * work.train + work.evaluate;
    const total = cost(this.work);
    return total === 0 ? 1 : Math.min(1, cost(this.#done) / total);
  }

  /** Undefined until something was done. */
  get seconds(): number | undefined {
    const pace = (kind: keyof Work) =>
      this.#done[kind] > 0 ? this.#spent[kind] / this.#done[kind] : undefined;
    const seen = { train: pace("train"), evaluate: pace("evaluate") };
    const train =
      seen.train ?? (seen.evaluate !== undefined ? TRAIN_PER_EVALUATE * seen.evaluate : undefined);
    if (train === undefined) return undefined;
    const evaluate = seen.evaluate ?? train / TRAIN_PER_EVALUATE;
    const left = (kind: keyof Work) => Math.max(0, this.work[kind] - this.#done[kind]);
    return (left("train") * train + left("evaluate") * evaluate) / 1000;
  }
}
