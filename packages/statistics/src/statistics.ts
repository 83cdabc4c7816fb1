/** The percentile bootstrap (Efron 1979), and quantiles. */
import { randomAt } from "@normless/random";

/**
 * Values in groups that hang together and are drawn together, such as the tokens of a sequence: the sum of each
 * group's values, and how many there are. A group may be empty.
 */
export interface Groups {
  readonly sums: ArrayLike<number>;
  readonly counts: ArrayLike<number>;
}

/** The central 95 % of the resamples. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** A figure and its interval. */
export interface Estimate {
  readonly value: number;
  /** The central 95 % of the resamples; undefined where there is one group alone. */
  readonly interval?: Interval | undefined;
}

/** How many resamples, and which. */
export interface BootstrapOptions {
  /** Default 10,000. */
  readonly resamples?: number | undefined;
  /** Default 0. */
  readonly seed?: number | undefined;
}

// Sets these draws apart from others of the same seed.
const STREAM = 0xb0075;

/** How often each of `count` groups is drawn, with replacement and as many as there are. The same for the same seed. */
function drawTimes(count: number, resample: number, seed: number): Uint32Array {
  const random = randomAt(seed, STREAM, resample);
  const times = new Uint32Array(count);
  for (let draw = 0; draw < count; draw++) times[random.below(count)]++;
  return times;
}

function estimateFrom(value: number, resampled: Float64Array): Estimate {
  if (resampled.length === 0) return { value };
  const [low, high] = quantiles(resampled, [0.025, 0.975]);
  return { value, interval: { low, high } };
}

/** For statistics of any kind; where they are means of groups, or made of such, `Bootstrap` is much cheaper. */
export class Resamples {
  readonly #whole: Uint32Array;
  readonly #draws: readonly Uint32Array[];

  /** 1,000 draws of so many groups. */
  constructor(count: number, seed = 0) {
    this.#whole = new Uint32Array(count).fill(1);
    this.#draws = Array.from({ length: count > 1 ? 1000 : 0 }, (_, i) => drawTimes(count, i, seed));
  }

  /** `statistic` gets how often each group counts. */
  estimate(statistic: (times: ArrayLike<number>) => number): Estimate {
    return estimateFrom(statistic(this.#whole), Float64Array.from(this.#draws, statistic));
  }
}

/** The mean over all values, each counted once. NaN where there is none. */
export function meanOf({ sums, counts }: Groups): number {
  let sum = 0;
  let count = 0;
  for (let group = 0; group < sums.length; group++) {
    sum += sums[group];
    count += counts[group];
  }
  return sum / count;
}

/**
 * For means: the same draws for all columns. Columns that hold the same groups, such as two models on the same sequences,
 * are thereby paired.
 */
export class Bootstrap {
  readonly #means: readonly number[];
  /** The means of the columns, resample by resample. */
  readonly #resampled: readonly Float64Array[];

  /** @throws RangeError when the columns have not equally many groups, or one holds no value at all */
  constructor(columns: readonly Groups[], { resamples = 10_000, seed = 0 }: BootstrapOptions = {}) {
    const total = columns[0].sums.length;
    for (const [i, { sums, counts }] of columns.entries()) {
      if (sums.length !== total || counts.length !== total) {
        throw new RangeError(
          `Bootstrap: column ${i} has ${sums.length} sums and ${counts.length} counts, and the first column ${total}; all must be of the same groups`,
        );
      }
    }
    this.#means = columns.map(meanOf);
    const empty = this.#means.findIndex(Number.isNaN);
    if (empty >= 0) throw new RangeError(`Bootstrap: column ${empty} holds no value to take the mean of`);
    // A resample of empty groups only would have no mean.
    const groups = Int32Array.from({ length: total }, (_, group) => group).filter((group) =>
      columns.some(({ counts }) => counts[group] > 0),
    );
    this.#resampled =
      groups.length < 2
        ? []
        : Array.from({ length: resamples }, (_, resample) => {
            const times = drawTimes(groups.length, resample, seed);
            return Float64Array.from(columns, ({ sums, counts }) => {
              let sum = 0;
              let count = 0;
              for (let i = 0; i < groups.length; i++) {
                sum += times[i] * sums[groups[i]];
                count += times[i] * counts[groups[i]];
              }
              return sum / count;
            });
          });
  }

  /** Any figure made of the columns' means: one of them, a difference of two, a perplexity. */
  estimate(figure: (means: ArrayLike<number>) => number): Estimate {
    return estimateFrom(figure(this.#means), Float64Array.from(this.#resampled, figure));
  }
}

/**
 * Quantiles at shares from 0 to 1, by linear interpolation between neighbours (as numpy.quantile does by default).
 * The values stay in their order.
 * @throws RangeError when there is no value
 */
export function quantiles(values: Float32Array | Float64Array, shares: readonly number[]): number[] {
  if (values.length === 0) throw new RangeError("quantiles: there is no value");
  const sorted = values.slice().sort();
  return shares.map((share) => {
    const place = share * (sorted.length - 1);
    const below = Math.floor(place);
    const low = sorted[below];
    const high = sorted[Math.min(below + 1, sorted.length - 1)];
    return low + (high - low) * (place - below);
  });
}
