/**
 * Random numbers as a pure function of a seed and counters (such as a step and a row), so that any draw can be made
 * again without replaying those before it. The bits come from Philox4x32-10 and are the same on every engine; it is
 * fit for simulation and not for secrets.
 * Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", https://doi.org/10.1145/2063384.2063405
 */

/** A key: two uint32. */
export type Words2 = readonly [number, number];
/** A counter, or what comes of it: four uint32. */
export type Words4 = readonly [number, number, number, number];

/** Philox4x32 with 10 rounds: four random uint32 from a counter and a key, all words uint32. */
export function philox(counter: Words4, key: Words2): Words4 {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd2511f53, c0);
    const low0 = Math.imul(0xd2511f53, c0);
    const high1 = multiplyHigh(0xcd9e8d57, c2);
    const low1 = Math.imul(0xcd9e8d57, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  return [c0 >>> 0, c1 >>> 0, c2 >>> 0, c3 >>> 0];
}

/** The upper 32 bits of the product of two uint32, from four products of 16 bits that a float64 holds exactly. */
function multiplyHigh(a: number, b: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle % 0x10000);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) | 0;
}

/** A seed's 64 bits as Philox's key. @throws RangeError when it is no safe integer */
export function keyOf(seed: number): Words2 {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`random: the seed ${seed} must be a safe integer`);
  return [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0];
}

const UINT32 = 2 ** 32;

/** A stream of draws. `randomAt` makes one; two made alike give the same draws in the same order. */
export class Random {
  readonly #key: Words2;
  readonly #counters: readonly [number, number, number];
  #block: Words4 = [0, 0, 0, 0];
  #drawn = 0;

  constructor(seed: number, counters: readonly [number, number, number]) {
    this.#key = keyOf(seed);
    this.#counters = counters;
  }

  /** An integer from 0 to 2³² - 1. A stream has 2³⁴ of them. */
  uint32(): number {
    const word = this.#drawn % 4;
    if (word === 0) this.#block = philox([Math.floor(this.#drawn / 4) >>> 0, ...this.#counters], this.#key);
    this.#drawn++;
    return this.#block[word];
  }

  /** A number in [0, 1), a multiple of 2⁻⁵³. */
  uniform(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /** An integer from 0 to n - 1, each as likely as the others. @throws RangeError when n is no integer from 1 to 2³² */
  below(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > UINT32) {
      throw new RangeError(`Random.below: n is ${n}; it must be an integer from 1 to ${UINT32}`);
    }
    const limit = UINT32 - (UINT32 % n);
    let word = this.uint32();
    while (word >= limit) word = this.uint32();
    return word % n;
  }

  /**
   * A draw from the normal distribution of mean 0 and standard deviation 1 (Box–Muller). Engines may differ in the
   * last bit of a logarithm or cosine, and then so does this; the other draws are the same everywhere.
   */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log((this.uint32() + 1) / UINT32));
    return radius * Math.cos((2 * Math.PI * this.uint32()) / UINT32);
  }
}

/**
 * The stream of draws at a place: `randomAt(seed, step)`, `randomAt(seed, step, row)`. Streams at different places
 * are independent; a counter left out is 0.
 * @param seed a safe integer
 * @param counters up to three integers from 0 to 2³² - 1
 * @throws RangeError when one of them is out of range
 */
export function randomAt(seed: number, ...counters: number[]): Random {
  if (counters.length > 3)
    throw new RangeError(`randomAt: ${counters.length} counters; there may be 3 at most`);
  for (const counter of counters) {
    if (!Number.isInteger(counter) || counter < 0 || counter >= UINT32) {
      throw new RangeError(`randomAt: the counter ${counter} must be an integer from 0 to ${UINT32 - 1}`);
    }
  }
  const [a = 0, b = 0, c = 0] = counters;
  return new Random(seed, [a, b, c]);
}
