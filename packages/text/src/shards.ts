/**
 * Token shards: files of uint16 tokens, in the two layouts that GPT-2 code uses. Bytes to tokens and back, with no
 * file access here. Tokens are little-endian whatever the machine.
 * - nanogpt: the tokens and nothing else (https://github.com/karpathy/nanoGPT, data/openwebtext/prepare.py)
 * - llmc: a header of 256 int32 (magic, version, number of tokens, zeros), then the tokens
 *   (https://github.com/karpathy/llm.c, dev/data/data_common.py)
 */
import { FormatError } from "./errors.js";

/** nanogpt: the tokens and nothing else; llmc: the tokens behind a header. */
export type ShardFormat = "nanogpt" | "llmc";

/** A shard's tokens and its layout. */
export interface Shard {
  format: ShardFormat;
  /** The shard's own copy, not a view of the bytes it was read from. */
  tokens: Uint16Array;
}

const LLMC_MAGIC = 20240520;
const LLMC_VERSION = 1;
const LLMC_HEADER_BYTES = 256 * 4;

/** What a file's beginning says of it. */
export interface ShardLayout {
  readonly format: ShardFormat;
  /** The byte that the tokens begin at. */
  readonly begin: number;
  readonly count: number;
}

/** What its first bytes alone say; the count only where there is a header. */
export interface ShardStart extends Omit<ShardLayout, "count"> {
  readonly count: number | undefined;
}

/** So many bytes at the beginning of a shard tell its layout. */
export const SHARD_HEAD_BYTES = LLMC_HEADER_BYTES;

/**
 * Reads a shard; the format is told by llm.c's magic number in the first four bytes.
 * @throws FormatError when the bytes are empty, of odd length, truncated, or not as long as the header says
 */
export function readShard(bytes: Uint8Array): Shard {
  const { format, begin, count } = shardLayout(bytes, bytes.length);
  return { format, tokens: decodeTokens(bytes.subarray(begin), new Uint16Array(count)) };
}

/**
 * The layout of a shard of `size` bytes by its first SHARD_HEAD_BYTES (all, where it has fewer): for who reads only a
 * part of a large one.
 * @throws FormatError as readShard
 */
export function shardLayout(head: Uint8Array, size: number): ShardLayout {
  if (size === 0) throw new FormatError("readShard: the shard is empty; it must hold tokens");
  const header = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (size >= 4 && header.getInt32(0, true) === LLMC_MAGIC) return llmcLayout(header, size);
  if (size % 2 !== 0) {
    throw new FormatError(
      `readShard: ${size} bytes are no whole number of 2-byte tokens; was the file truncated, or is it not a token shard?`,
    );
  }
  return { format: "nanogpt", begin: 0, count: size / 2 };
}

/**
 * What the first SHARD_HEAD_BYTES of a shard say, for who reads one without knowing its size; `shardLayout` checks that
 * at the end.
 */
export function shardStart(head: Uint8Array): ShardStart {
  const header = new DataView(head.buffer, head.byteOffset, head.byteLength);
  return header.getInt32(0, true) === LLMC_MAGIC
    ? { format: "llmc", begin: LLMC_HEADER_BYTES, count: header.getInt32(8, true) }
    : { format: "nanogpt", begin: 0, count: undefined };
}

function llmcLayout(header: DataView, size: number): ShardLayout {
  if (size < LLMC_HEADER_BYTES) {
    throw new FormatError(
      `readShard: an llm.c shard starts with a header of ${LLMC_HEADER_BYTES} bytes, and this one ends after ${size}; the file is truncated`,
    );
  }
  const version = header.getInt32(4, true);
  if (version !== LLMC_VERSION) {
    throw new FormatError(
      `readShard: the llm.c header has version ${version}, and only version ${LLMC_VERSION} (uint16 tokens) is known`,
    );
  }
  const count = header.getInt32(8, true);
  const body = size - LLMC_HEADER_BYTES;
  if (count * 2 !== body) {
    throw new FormatError(
      `readShard: the llm.c header says ${count} tokens (${count * 2} bytes), and ${body} bytes follow it; the file is truncated or its header is wrong`,
    );
  }
  return { format: "llmc", begin: LLMC_HEADER_BYTES, count };
}

/** The bytes of a nanoGPT shard: the tokens and nothing else. */
export function writeNanogptShard(tokens: Uint16Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(tokens.length * 2);
  encodeTokens(tokens, bytes, 0);
  return bytes;
}

/** The bytes of an llm.c shard: its header of 1,024 bytes, then the tokens. */
export function writeLlmcShard(tokens: Uint16Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(LLMC_HEADER_BYTES + tokens.length * 2);
  const header = new DataView(bytes.buffer);
  [LLMC_MAGIC, LLMC_VERSION, tokens.length].forEach((value, i) => header.setInt32(4 * i, value, true));
  encodeTokens(tokens, bytes, LLMC_HEADER_BYTES);
  return bytes;
}

/** A shard's bytes, from a token's first one on, as tokens: into `tokens` from `at` on, which is returned. */
export function decodeTokens(bytes: Uint8Array, tokens: Uint16Array, at = 0): Uint16Array {
  const count = bytes.length / 2;
  for (let i = 0; i < count; i++) tokens[at + i] = bytes[2 * i] | (bytes[2 * i + 1] << 8);
  return tokens;
}

function encodeTokens(tokens: Uint16Array, bytes: Uint8Array, offset: number): void {
  for (let i = 0; i < tokens.length; i++) {
    bytes[offset + 2 * i] = tokens[i] & 0xff;
    bytes[offset + 2 * i + 1] = tokens[i] >> 8;
  }
}
