/**
 * The merging step of byte-pair encoding: the tokens of one word, joined pair by pair, the pair learned first
 * going first and the leftmost of equals before the others. A linked list of tokens and a heap of candidate pairs
 * make it O(n log n), so that a word of 100,000 letters is no trouble. It knows ids only, neither bytes nor text.
 * Source: Sennrich et al. 2016, https://arxiv.org/abs/1508.07909, algorithm 1.
 */

/** For a pair of neighbouring ids: the order in which it was learned (its rank), and the id it becomes. */
export class MergeTable {
  readonly #rankOfPair = new Map<number, number>();
  readonly #results: number[] = [];
  readonly #vocabSize: number;

  constructor(vocabSize: number) {
    this.#vocabSize = vocabSize;
  }

  /** Appends the next merge; false when the pair is there already. */
  add(left: number, right: number, result: number): boolean {
    const pair = left * this.#vocabSize + right;
    if (this.#rankOfPair.has(pair)) return false;
    this.#rankOfPair.set(pair, this.#results.length);
    this.#results.push(result);
    return true;
  }

  rank(left: number, right: number): number | undefined {
    return this.#rankOfPair.get(left * this.#vocabSize + right);
  }

  result(rank: number): number {
    return this.#results[rank];
  }
}

// A candidate is one number, rank * POSITIONS + position: numbers then sort by rank first, from left to right next.
const POSITIONS = 2 ** 32;
const REMOVED = -1;

/** Joins the ids of one word until no merge applies. The input is not changed. */
export function mergeWord(table: MergeTable, word: ArrayLike<number>): number[] {
  const ids = Array.from(word);
  const end = ids.length;
  const previous = ids.map((_, i) => i - 1);
  const next = ids.map((_, i) => i + 1);
  const candidates = new MinHeap();

  const propose = (position: number): void => {
    if (position < 0 || next[position] >= end) return;
    const rank = table.rank(ids[position], ids[next[position]]);
    if (rank !== undefined) candidates.push(rank * POSITIONS + position);
  };
  for (let i = 0; i < end; i++) propose(i);

  for (let best = candidates.pop(); best !== undefined; best = candidates.pop()) {
    const rank = Math.floor(best / POSITIONS);
    const left = best % POSITIONS;
    const right = next[left];
    // An earlier merge may have taken either side away: such a candidate is stale, and is dropped here.
    if (ids[left] === REMOVED || right >= end || table.rank(ids[left], ids[right]) !== rank) continue;
    ids[left] = table.result(rank);
    ids[right] = REMOVED;
    next[left] = next[right];
    if (next[left] < end) previous[next[left]] = left;
    propose(previous[left]);
    propose(left);
  }
  return ids.filter((id) => id !== REMOVED);
}

class MinHeap {
  readonly #items: number[] = [];

  push(item: number): void {
    const items = this.#items;
    let i = items.push(item) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (items[parent] <= item) break;
      items[i] = items[parent];
      i = parent;
    }
    items[i] = item;
  }

  pop(): number | undefined {
    const items = this.#items;
    const top = items[0];
    const item = items.pop();
    if (item === undefined || items.length === 0) return item;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && items[child + 1] < items[child]) child++;
      if (items[child] >= item) break;
      items[i] = items[child];
      i = child;
    }
    items[i] = item;
    return top;
  }
}
