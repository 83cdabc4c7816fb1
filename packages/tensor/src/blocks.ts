/**
 * Which parts of a memory are whose, for engines that keep all tensors in one. An allocation takes the smallest gap that it
 * fits in; freed blocks join the gaps beside them. A training step repeats its sizes, so after the first step nothing new
 * is taken. Nothing is ever moved.
 */

/** Blocks of a memory that begins at 0 and grows at its end. Sizes and places are multiples of 64 bytes. */
export class Blocks {
  /** Gaps below the top, by address; no two touch, and none touches the top. */
  readonly #gaps: { begin: number; end: number }[] = [];
  #top = 0;
  readonly #reach: (extent: number, bytes: number) => void;

  /** `reach` is told up to where the memory has to be there, and for a block of how many bytes; it may throw. */
  constructor(reach: (extent: number, bytes: number) => void) {
    this.#reach = reach;
  }

  /** Bytes from the first block to the last, gaps included. */
  get extent(): number {
    return this.#top;
  }

  /** Bytes that a block for `bytes` takes. */
  static sizeFor(bytes: number): number {
    return Math.max(64, Math.ceil(bytes / 64) * 64);
  }

  /** Where a block for `bytes` and more begins. */
  allocate(bytes: number): number {
    const size = Blocks.sizeFor(bytes);
    const best = this.#bestGap(size);
    if (best !== undefined) {
      const gap = this.#gaps[best];
      const begin = gap.begin;
      gap.begin += size;
      if (gap.begin === gap.end) this.#gaps.splice(best, 1);
      return begin;
    }
    this.#reach(this.#top + size, bytes);
    const begin = this.#top;
    this.#top += size;
    return begin;
  }

  /** Takes back what `allocate(bytes)` gave. */
  release(begin: number, bytes: number): void {
    const end = begin + Blocks.sizeFor(bytes);
    const gaps = this.#gaps;
    let at = 0;
    for (let length = gaps.length; at < length;) {
      const middle = (at + length) >> 1;
      if (gaps[middle].begin < begin) at = middle + 1;
      else length = middle;
    }
    const before = at > 0 && gaps[at - 1].end === begin ? gaps[at - 1] : undefined;
    const after = at < gaps.length && gaps[at].begin === end ? gaps[at] : undefined;
    if (before && after) {
      before.end = after.end;
      gaps.splice(at, 1);
    } else if (before) before.end = end;
    else if (after) after.begin = begin;
    else gaps.splice(at, 0, { begin, end });
    const last = gaps.at(-1);
    if (last?.end === this.#top) {
      this.#top = last.begin;
      gaps.pop();
    }
  }

  #bestGap(size: number): number | undefined {
    let best: number | undefined;
    let least = Infinity;
    for (let i = 0; i < this.#gaps.length; i++) {
      const { begin, end } = this.#gaps[i];
      const length = end - begin;
      if (length < size || length >= least) continue;
      best = i;
      least = length;
    }
    return best;
  }
}
