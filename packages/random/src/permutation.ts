/**
 * A seeded permutation of 0 … size - 1, computed one element at a time with no table: a Feistel network over the next
 * power of four, walked until it lands inside the range. It shuffles, and hides nothing.
 * Source: Black and Rogaway 2002, "Ciphers with arbitrary finite domains", https://doi.org/10.1007/3-540-45760-7_9
 */
import { keyOf, philox } from "./random.js";

const ROUNDS = 8;

/**
 * Where `index` goes in the permutation that `seed` and `stream` choose.
 * @param size an integer from 1 to 2³²
 * @param index an integer from 0 to size - 1
 * @param stream two uint32, such as an epoch and a tag of the caller's
 */
export function permuted(
  index: number,
  size: number,
  seed: number,
  stream: readonly [number, number],
): number {
  const key = keyOf(seed);
  let half = 1;
  while (4 ** half < size) half++;
  const base = 2 ** half;
  let position = index;
  do {
    let left = Math.floor(position / base);
    let right = position % base;
    for (let round = 0; round < ROUNDS; round++) {
      const [bits] = philox([right, round, ...stream], key);
      [left, right] = [right, (left ^ (bits % base)) >>> 0];
    }
    position = left * base + right;
  } while (position >= size);
  return position;
}
