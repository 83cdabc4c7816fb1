/** What packed files hold: all of it, or an error. */
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import bzip from "seek-bzip";
import { messageOf } from "../errors.js";

/** Zeros that may follow a gzip file's data: tapes fill their last block, which is at most so long. */
const MOST_PADDING = 2 ** 20;

/**
 * The bytes of a gzip file, of all its members. @throws Error when it is damaged or cut, or when something follows that
 * would be left out; zeros may, as tapes have them.
 */
export async function* gunzipped(stream: Readable): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip();
  let length = 0;
  // Where what is not zero ends.
  let end = 0;
  stream.on("data", (chunk: Uint8Array) => {
    const last = chunk.findLastIndex((byte) => byte !== 0);
    if (last >= 0) end = length + last + 1;
    length += chunk.length;
  });
  stream.on("error", (error) => gunzip.destroy(error));
  stream.pipe(gunzip);
  for await (const chunk of gunzip as AsyncIterable<Uint8Array>) yield chunk;
  // It ends at the first zero after a member, and takes no more.
  stream.unpipe(gunzip);
  for await (const rest of stream) {
    void rest;
    if (length - gunzip.bytesWritten > MOST_PADDING) break;
  }
  if (end <= gunzip.bytesWritten && length - gunzip.bytesWritten <= MOST_PADDING) return;
  throw new Error(
    `more bytes follow after the end of its gzip data, at byte ${gunzip.bytesWritten}; pack it again, or cut them off`,
  );
}

/** The bytes of a bzip2 file. @throws Error when it is damaged or cut. */
export function unbzip(bytes: Uint8Array): Uint8Array {
  const refuse = (why: string, cause?: unknown): never => {
    throw new Error(`is no whole bzip2 file (${why}); was it truncated?`, { cause });
  };
  let unpacked: Uint8Array;
  try {
    unpacked = bzip.decode(bytes, undefined, true);
  } catch (cause) {
    return refuse(messageOf(cause), cause);
  }
  if (!hasBzipEnd(bytes)) refuse("it has no end");
  return unpacked;
}

/**
 * Whether a bzip2 file has its end: 48 bits that are always the same, 32 of the checksum, and up to 7 that fill the
 * last byte. Its library takes a file that is cut right after a block for a whole one.
 */
function hasBzipEnd(bytes: Uint8Array): boolean {
  const bits = BigInt(`0x${Buffer.from(bytes.subarray(-11)).toString("hex") || "0"}`);
  const fill = Array.from({ length: 8 }, (_, n) => BigInt(n));
  return fill.some((n) => ((bits >> (32n + n)) & 0xffffffffffffn) === 0x177245385090n);
}
