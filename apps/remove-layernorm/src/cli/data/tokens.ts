/** Tokens as they are gathered from a file. */
import { decodeTokens, SHARD_HEAD_BYTES, shardLayout } from "@normless/text";
import { thousands } from "../format.js";
import { joined, withBytes } from "./bytes.js";

/** Two GiB of memory. */
export const MOST_TOKENS = 2 ** 30;

/** @throws Error saying how to read fewer. */
export function checkCount(count: number): void {
  if (count <= MOST_TOKENS) return;
  throw new Error(
    `${thousands(count)} tokens are more than are held in memory, ${thousands(MOST_TOKENS)}. ` +
      "Read a part of them: --train-tokens N for training, --tokens N elsewhere",
  );
}

/** The tokens of a shard, the first `limit` of them. @throws Error when it is damaged, or holds too many. */
export function readShardTokens(path: string, limit: number): Promise<Uint16Array> {
  return withBytes(path, async (bytes) => {
    const head = await joined(bytes.read(0, Math.min(SHARD_HEAD_BYTES, bytes.size)));
    const { begin, count } = shardLayout(head, bytes.size);
    const wanted = Math.min(count, limit);
    checkCount(wanted);
    const tokens = new Uint16Array(wanted);
    let at = 0;
    for await (const piece of bytes.read(begin, begin + 2 * wanted)) {
      decodeTokens(piece, tokens, at);
      at += piece.length / 2;
    }
    return tokens;
  });
}

export class TokenBuffer {
  #tokens = new Uint16Array(1 << 16);
  #length = 0;

  /** @param limit tokens past which nothing more is taken */
  constructor(readonly limit: number) {}

  get full(): boolean {
    return this.#length >= this.limit;
  }

  /** Appends ids, as far as the limit lets it. @throws Error when they become too many */
  push(ids: ArrayLike<number>): void {
    const count = Math.min(ids.length, this.limit - this.#length);
    checkCount(this.#length + count);
    if (this.#length + count > this.#tokens.length) {
      const size = Math.min(MOST_TOKENS, Math.max(2 * this.#tokens.length, this.#length + count));
      const larger = new Uint16Array(size);
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
