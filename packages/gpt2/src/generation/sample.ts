/** From logits to the next token: temperature, top-k and top-p, as a pure function of the logits and one uniform draw. */
import { checkFinite, OVERFLOW_ADVICE } from "../model/finite.js";

/** How a token is drawn from logits, (V). */
export interface Sampling {
  /** Divides the logits; 0 takes the most likely token (greedy). Default 1. */
  readonly temperature?: number;
  /** Only the k most likely tokens. Default all. */
  readonly topK?: number;
  /** Only the fewest most likely tokens whose probabilities reach p (nucleus sampling, Holtzman et al. 2020). Default 1. */
  readonly topP?: number;
  /**
   * Which ids may be drawn; the others count as if they were not there. Default all. A tokenizer's `has` leaves out ids
   * without a token, which a padded vocabulary has.
   */
  readonly drawable?: (id: number) => boolean;
}

/** @throws RangeError naming the option and its range. */
export function checkSampling({ temperature = 1, topK = 1, topP = 1 }: Sampling): void {
  if (!(temperature >= 0 && Number.isFinite(temperature))) {
    throw new RangeError(`temperature is ${temperature}; it is a number from 0 (greedy) up`);
  }
  if (!Number.isSafeInteger(topK) || topK < 1)
    throw new RangeError(`topK is ${topK}; it is a whole number from 1 up`);
  if (!(topP > 0 && topP <= 1)) throw new RangeError(`topP is ${topP}; it is above 0 and at most 1`);
}

/**
 * The id that `uniform`, in [0, 1), picks from one row of logits (V). Ties go to the lower id; a logit of −Infinity rules
 * its id out.
 * @throws RangeError for a bad option, or when no id may be drawn; NotFiniteError naming the first id whose logit is NaN
 * or Infinity
 */
export function sampleToken(logits: ArrayLike<number>, uniform: number, sampling: Sampling = {}): number {
  checkSampling(sampling);
  const place = (id: number) => `id ${id}`;
  checkFinite(logits, { what: "a row of logits", place, advice: OVERFLOW_ADVICE, except: -Infinity });
  const { temperature = 1, topP = 1 } = sampling;
  const drawable = drawableIds(logits.length, sampling.drawable);
  if (temperature === 0) return possible(logits, mostLikely(logits, drawable));
  const topK = Math.min(sampling.topK ?? Infinity, drawable.length);
  const ids = new Descending(logits, drawable);
  const best = possible(logits, ids.at(0));
  const weight = (id: number) => Math.exp((logits[id] - logits[best]) / temperature);
  let total = 0;
  if (topK < drawable.length) for (let i = 0; i < topK; i++) total += weight(ids.at(i));
  else for (const id of drawable) total += weight(id);

  let count = topK;
  let mass = total;
  if (topP < 1) {
    mass = 0;
    for (count = 0; count < topK && mass < topP * total; count++) mass += weight(ids.at(count));
  }
  let left = uniform * mass;
  for (let i = 0; i < count; i++) {
    left -= weight(ids.at(i));
    if (left < 0) return ids.at(i);
  }
  return ids.at(count - 1);
}

/** In ascending order. */
function drawableIds(V: number, drawable: (id: number) => boolean = () => true): Int32Array {
  const ids = new Int32Array(V);
  let count = 0;
  for (let id = 0; id < V; id++) if (drawable(id)) ids[count++] = id;
  if (count > 0) return ids.subarray(0, count);
  throw new RangeError(
    `sampleToken: drawable lets none of the ${V} ids be drawn; is it of this model's tokenizer?`,
  );
}

/** The likeliest id. @throws RangeError when it is ruled out, as all are then. */
function possible(logits: ArrayLike<number>, best: number): number {
  if (logits[best] > -Infinity) return best;
  throw new RangeError("sampleToken: every logit is −Infinity, which rules its id out; leave one to draw");
}

function mostLikely(logits: ArrayLike<number>, ids: Int32Array): number {
  let [best] = ids;
  for (const id of ids) if (logits[id] > logits[best]) best = id;
  return best;
}

/** Ids from the largest logit down, sorted no further than was asked for: a binary heap of those that are left. */
class Descending {
  readonly #sorted: number[] = [];
  readonly #heap: Int32Array;
  #left: number;

  constructor(
    readonly logits: ArrayLike<number>,
    ids: Int32Array,
  ) {
    this.#left = ids.length;
    this.#heap = ids.slice();
    for (let i = (this.#left >> 1) - 1; i >= 0; i--) this.#sink(i);
  }

  at(rank: number): number {
    while (this.#sorted.length <= rank) {
      this.#sorted.push(this.#heap[0]);
      this.#heap[0] = this.#heap[--this.#left];
      this.#sink(0);
    }
    return this.#sorted[rank];
  }

  #before(a: number, b: number): boolean {
    const { logits } = this;
    return logits[a] > logits[b] || (logits[a] === logits[b] && a < b);
  }

  #sink(at: number): void {
    const heap = this.#heap;
    const id = heap[at];
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#left) break;
      if (child + 1 < this.#left && this.#before(heap[child + 1], heap[child])) child++;
      if (!this.#before(heap[child], id)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = id;
  }
}
