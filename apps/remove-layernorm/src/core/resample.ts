/** Intervals of what is measured on a text: the bootstrap over its sequences, whose tokens hang together. */
import { randomAt } from "@normless/text";

export interface Estimate {
  readonly value: number;
  /** The central 95 % of the resamples; undefined where there is one sequence alone. */
  readonly interval: readonly [low: number, high: number] | undefined;
}

const RESAMPLES = 1000;
// Sets these draws apart from others of the same seed.
const STREAM = 0xb0075;

/** 1,000 draws of so many sequences with replacement, the same for the same seed. */
export class Resamples {
  readonly #whole: Uint32Array;
  readonly #draws: readonly Uint32Array[];

  constructor(count: number, seed = 0) {
    this.#whole = new Uint32Array(count).fill(1);
    this.#draws = Array.from({ length: count > 1 ? RESAMPLES : 0 }, (_, resample) => {
      const random = randomAt(seed, STREAM, resample);
      const times = new Uint32Array(count);
      for (let i = 0; i < count; i++) times[random.below(count)]++;
      return times;
    });
  }

  /** The percentile bootstrap of `statistic`, which gets how often each sequence counts. */
  estimate(statistic: (times: ArrayLike<number>) => number): Estimate {
    const value = statistic(this.#whole);
    if (this.#draws.length === 0) return { value, interval: undefined };
    const sorted = Float64Array.from(this.#draws, statistic).sort();
    const at = (share: number) => sorted[Math.round(share * (RESAMPLES - 1))];
    return { value, interval: [at(0.025), at(0.975)] };
  }
}
