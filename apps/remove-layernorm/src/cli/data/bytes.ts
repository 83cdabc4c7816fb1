/** Bytes of data files, on disk or behind a URL, unpacked. */
import { createReadStream } from "node:fs";
import { Readable, pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import bzip from "seek-bzip";
import { messageOf, systemCode } from "../errors.js";
import { isUrl, kindOf } from "./kinds.js";
import { type Bytes, inMemory, withFile } from "./pieces.js";

/** A file's bytes, piece by piece. @throws Error when there is no such file, or it is packed and damaged. */
export async function* byteChunks(path: string): AsyncGenerator<Uint8Array> {
  const { packed } = kindOf(path);
  const stream = isUrl(path) ? await download(path) : createReadStream(path);
  try {
    if (packed === "bz2") {
      yield unbzip(await joined(stream));
    } else if (packed === "gz") {
      const gunzip = createGunzip();
      // The callback is there so that errors go to whoever reads `gunzip`.
      pipeline(stream, gunzip, () => {});
      yield* chunksOf(gunzip);
    } else {
      yield* chunksOf(stream);
    }
  } catch (cause) {
    throw readable(cause);
  } finally {
    stream.destroy();
  }
}

/** A file's bytes from any place on; one that is packed or behind a URL is read as a whole. @throws Error as `byteChunks`. */
export async function withBytes<X>(path: string, use: (bytes: Bytes) => Promise<X>): Promise<X> {
  if (isUrl(path) || kindOf(path).packed !== undefined) return use(inMemory(await joined(byteChunks(path))));
  return withFile(path, use).catch((cause: unknown) => {
    throw readable(cause);
  });
}

/** The pieces of a UTF-8 text between separators; the last one is empty where the text ends with a separator. */
export async function* textBetween(
  chunks: AsyncIterable<Uint8Array>,
  separator: string,
): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  // The piece so far, and its end, which may begin a separator. Only the end is searched again with the next chunk.
  let piece: string[] = [];
  let end = "";
  const take = (text: string): string[] => {
    const pieces = (end + text).split(separator);
    const last = pieces.pop() ?? "";
    const whole = pieces.map((part, i) => (i === 0 ? piece.join("") + part : part));
    if (whole.length > 0) piece = [];
    const cut = Math.max(0, last.length - (separator.length - 1));
    piece.push(last.slice(0, cut));
    end = last.slice(cut);
    return whole;
  };
  for await (const chunk of chunks) yield* take(decoder.decode(chunk, { stream: true }));
  yield* take(decoder.decode());
  yield piece.join("") + end;
}

async function download(url: string): Promise<Readable> {
  const response = await fetch(url).catch((cause: unknown) => {
    const why = cause instanceof Error ? (cause.cause ?? cause) : cause;
    throw new Error(`cannot be reached: ${messageOf(why)}`, { cause });
  });
  if (!response.ok || !response.body) {
    throw new Error(`the server answers ${response.status} ${response.statusText}`.trimEnd());
  }
  return Readable.fromWeb(response.body);
}

async function* chunksOf(stream: Readable): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream as AsyncIterable<Uint8Array>) yield chunk;
}

export async function joined(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

function unbzip(bytes: Uint8Array): Uint8Array {
  try {
    return bzip.decode(bytes, undefined, true);
  } catch (cause) {
    throw new Error(`is no whole bzip2 file (${messageOf(cause)}); was it truncated?`, { cause });
  }
}

/** What Node's errors mean for whoever named the file. */
function readable(cause: unknown): unknown {
  const code = systemCode(cause);
  if (code === "ENOENT") return new Error("there is no such file", { cause });
  if (code === "EISDIR") return new Error("is a folder; name a file in it", { cause });
  if (code?.startsWith("Z_")) {
    return new Error(`is no whole gzip file (${messageOf(cause)}); was it truncated?`, { cause });
  }
  return cause;
}
