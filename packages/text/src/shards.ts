/**
 * Token shards: files of uint16 tokens, in the two layouts that GPT-2 code uses. Bytes to tokens and back, with no
 * file access here. Tokens are little-endian whatever the machine.
 * - nanogpt: the tokens and nothing else (https://github.com/karpathy/nanoGPT, data/openwebtext/prepare.py)
 * - llmc: a header of 256 int32 (magic, version, number of tokens, zeros), then the tokens
 *   (https://github.com/karpathy/llm.c, dev/data/data_common.py)
 */

export type ShardFormat = "nanogpt" | "llmc";

export interface Shard {
  format: ShardFormat;
  /** The shard's own copy, not a view of the bytes it was read from. */
  tokens: Uint16Array;
}

const LLMC_MAGIC = 20240520;
const LLMC_VERSION = 1;
const LLMC_HEADER_BYTES = 256 * 4;

/**
 * Reads a shard; the format is told by llm.c's magic number in the first four bytes.
 * @throws Error when the bytes are empty, of odd length, truncated, or not as long as the header says
 */
export function readShard(bytes: Uint8Array): Shard {
  if (bytes.length === 0) throw new Error("readShard: the shard is empty; it must hold tokens");
  const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length >= 4 && header.getInt32(0, true) === LLMC_MAGIC) return readLlmc(bytes, header);
  if (bytes.length % 2 !== 0) {
    throw new Error(
      `readShard: ${bytes.length} bytes are no whole number of 2-byte tokens; was the file truncated, or is it not a token shard?`,
    );
  }
  return { format: "nanogpt", tokens: decodeTokens(bytes) };
}

function readLlmc(bytes: Uint8Array, header: DataView): Shard {
  if (bytes.length < LLMC_HEADER_BYTES) {
    throw new Error(
      `readShard: an llm.c shard starts with a header of ${LLMC_HEADER_BYTES} bytes, and this one ends after ${bytes.length}; the file is truncated`,
    );
  }
  const version = header.getInt32(4, true);
  if (version !== LLMC_VERSION) {
    throw new Error(
      `readShard: the llm.c header has version ${version}, and only version ${LLMC_VERSION} (uint16 tokens) is known`,
    );
  }
  const count = header.getInt32(8, true);
  const body = bytes.subarray(LLMC_HEADER_BYTES);
  if (count * 2 !== body.length) {
    throw new Error(
      `readShard: the llm.c header says ${count} tokens (${count * 2} bytes), and ${body.length} bytes follow it; the file is truncated or its header is wrong`,
    );
  }
  return { format: "llmc", tokens: decodeTokens(body) };
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

function decodeTokens(bytes: Uint8Array): Uint16Array {
  const tokens = new Uint16Array(bytes.length / 2);
  for (let i = 0; i < tokens.length; i++) tokens[i] = bytes[2 * i] | (bytes[2 * i + 1] << 8);
  return tokens;
}

function encodeTokens(tokens: Uint16Array, bytes: Uint8Array, offset: number): void {
  for (let i = 0; i < tokens.length; i++) {
    bytes[offset + 2 * i] = tokens[i] & 0xff;
    bytes[offset + 2 * i + 1] = tokens[i] >> 8;
  }
}
