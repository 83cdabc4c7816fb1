/** Tokens as they are gathered from a file. */

export class TokenBuffer {
  #tokens = new Uint16Array(1 << 16);
  #length = 0;

  /** @param limit tokens past which nothing more is taken */
  constructor(readonly limit = Infinity) {}

  get full(): boolean {
    return this.#length >= this.limit;
  }

  /** Appends ids, as far as the limit lets it. */
  push(ids: ArrayLike<number>): void {
    const count = Math.min(ids.length, this.limit - this.#length);
    if (this.#length + count > this.#tokens.length) {
      const larger = new Uint16Array(Math.max(2 * this.#tokens.length, this.#length + count));
      larger.set(this.#tokens.subarray(0, this.#length));
      this.#tokens = larger;
    }
    for (let i = 0; i < count; i++) this.#tokens[this.#length + i] = ids[i];
    this.#length += count;
  }

  /** What was gathered, in memory of its own size. */
  tokens(): Uint16Array {
    return this.#tokens.slice(0, this.#length);
  }
}
