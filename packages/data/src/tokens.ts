/** Tokens as they are gathered from a file. */
import { decodeTokens, SHARD_HEAD_BYTES, shardLayout, shardStart } from "@normless/text";
import { byteChunks, joined, readable } from "./sources/bytes.js";
import { DataError } from "./errors.js";
import { isUrl, kindOf } from "./formats/kinds.js";
import { withFile } from "./formats/pieces.js";
import { isStandardInput } from "./sources/standard-input.js";

/** Tokens that are held at most: two GiB of memory. */
export const MOST_TOKENS = 2 ** 30;

/** Holds a count of tokens against what fits. @throws DataError saying how to read fewer */
export function checkCount(count: number): void {
  if (count <= MOST_TOKENS) return;
  const [found, most] = [count, MOST_TOKENS].map((number) => number.toLocaleString("en-US"));
  throw new DataError(
    `${found} tokens are more than are held in memory, ${most}.`,
    ({ called }) => ` Read a part of them: ${called("tokens")}`,
  );
}

/** Hears how many tokens there are so far, now and then. */
export type Counted = (count: number) => void;

/** Every so many tokens, a part of a second's. */
const COUNTED = 2 ** 20;

/** The tokens of a shard, the first `limit` of them. @throws Error when it is damaged, or holds too many. */
export async function readShardTokens(path: string, limit: number, counted?: Counted): Promise<Uint16Array> {
  if (isUrl(path) || isStandardInput(path) || kindOf(path).packed !== undefined) {
    return streamedTokens(byteChunks(path), new TokenBuffer(limit, counted));
  }
  return withFile(path, async (bytes) => {
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
  }).catch((cause: unknown) => {
    throw readable(cause);
  });
}

/** Those of a shard whose size is not known before its end. It is read, and checked, as far as the limit goes. */
async function streamedTokens(chunks: AsyncIterable<Uint8Array>, buffer: TokenBuffer): Promise<Uint16Array> {
  const { limit } = buffer;
  let head: Uint8Array | undefined;
  let most = Infinity;
  let stated = Infinity;
  let size = 0;
  let rest: Uint8Array = new Uint8Array();
  for await (const chunk of chunks) {
    size += chunk.length;
    rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    if (head === undefined) {
      if (rest.length < SHARD_HEAD_BYTES) continue;
      head = rest.slice(0, SHARD_HEAD_BYTES);
      const { begin, count = Infinity } = shardStart(head);
      [most, stated] = [count, begin + 2 * count];
      rest = rest.subarray(begin);
    }
    const whole = rest.length - (rest.length % 2);
    buffer.push(decodeTokens(rest.subarray(0, whole), new Uint16Array(whole / 2)));
    if (buffer.full && limit <= most) return buffer.tokens();
    // Where the header tells of fewer than are wanted, what follows them is an error, however much it is.
    if (size > stated) break;
    rest = rest.subarray(whole);
  }
  const { begin } = shardLayout(head ?? rest, size);
  if (head === undefined) buffer.push(decodeTokens(rest.subarray(begin), new Uint16Array(rest.length / 2)));
  return buffer.tokens();
}

/** Tokens that grow in number, up to a limit. */
export class TokenBuffer {
  #tokens = new Uint16Array(1 << 16);
  #length = 0;

  /** @param limit tokens past which nothing more is taken */
  constructor(
    readonly limit: number,
    readonly counted: Counted = () => {},
  ) {}

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
    const before = this.#length;
    this.#length += count;
    if (Math.floor(this.#length / COUNTED) > Math.floor(before / COUNTED)) this.counted(this.#length);
  }

  /** What was gathered, in memory of its own size. */
  tokens(): Uint16Array {
    return this.#tokens.slice(0, this.#length);
  }
}
