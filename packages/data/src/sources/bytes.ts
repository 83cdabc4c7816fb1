/** Bytes of data files, on disk, behind a URL or from standard input, unpacked. */
import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { messageOf, systemCode } from "../errors.js";
import { download, MOST_HELD } from "./fetch.js";
import { isUrl, kindOf } from "../formats/kinds.js";
import { checkFile } from "../formats/pieces.js";
import { isStandardInput, openStandardInput } from "./standard-input.js";
import { gunzipped, unbzip } from "./unpack.js";

const PIECE = 2 ** 20;

/** A file's bytes, piece by piece. @throws Error when there is no such file, or it is packed and damaged. */
export async function* byteChunks(path: string): AsyncGenerator<Uint8Array> {
  const { packed } = kindOf(path);
  const stream = await open(path);
  try {
    if (packed === "bz2") {
      yield* inPieces(unbzip(await joined(stream)));
    } else if (packed === "gz") {
      yield* gunzipped(stream);
    } else {
      yield* chunksOf(stream);
    }
  } catch (cause) {
    throw readable(cause);
  } finally {
    stream.destroy();
  }
}

async function open(path: string): Promise<Readable> {
  if (isStandardInput(path)) return openStandardInput();
  if (isUrl(path)) return download(path);
  await checkFile(path).catch((cause: unknown) => {
    throw readable(cause);
  });
  return createReadStream(path);
}

async function* chunksOf(stream: Readable): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream as AsyncIterable<Uint8Array>) yield chunk;
}

/** Pieces as one. @throws Error when they are more bytes than are held in memory at once */
export async function joined(chunks: AsyncIterable<Uint8Array>, most = MOST_HELD): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > most) {
      throw new Error(
        `has more than ${most.toLocaleString("en-US")} bytes, and is read at once: give it unpacked, or in several files`,
      );
    }
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

/** Bytes that are there at once, as if they came one piece after the other: text is made of one at a time. */
function* inPieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE);
}

/** What Node's errors mean for whoever named the file. */
export function readable(cause: unknown): unknown {
  const code = systemCode(cause);
  if (code === "ENOENT") return new Error("there is no such file", { cause });
  if (code === "EISDIR") return new Error("is a folder; name a file in it", { cause });
  if (code?.startsWith("Z_")) {
    return new Error(`is no whole gzip file (${messageOf(cause)}); was it truncated?`, { cause });
  }
  return cause;
}
