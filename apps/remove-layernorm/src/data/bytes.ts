/** Bytes of data files, on disk, behind a URL or from standard input, unpacked. */
import { constants } from "node:buffer";
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { type Bounds, boundedFetch, silence } from "@normless/hub";
import { messageOf, systemCode } from "../errors.js";
import { thousands } from "../terminal/format.js";
import { isUrl, kindOf } from "./kinds.js";
import { isStandardInput, openStandardInput } from "./standard-input.js";
import { gunzipped, unbzip } from "./unpack.js";

const PIECE = 2 ** 20;

/** Bytes that are held in memory at once: a file of bzip2, a part of one of parquet. */
const MOST_HELD = 2 ** 32 - 1;

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
  return isUrl(path) ? download(path) : createReadStream(path);
}

/** A part of a text between separators, which may be too long to be one string. */
export interface TextPart {
  readonly text: string;
  /** Whether a separator follows, or the end. */
  readonly ends: boolean;
}

/** A UTF-8 text, cut at its separators and wherever else it was read so far. */
export async function* textParts(
  chunks: AsyncIterable<Uint8Array>,
  separator: string,
): AsyncGenerator<TextPart> {
  // What may begin a separator; it is searched again with the next chunk.
  let end = "";
  for await (const text of decoded(chunks)) {
    const pieces = (end + text).split(separator);
    const last = pieces.pop() ?? "";
    for (const piece of pieces) yield { text: piece, ends: true };
    const cut = Math.max(0, last.length - (separator.length - 1));
    if (cut > 0) yield { text: last.slice(0, cut), ends: false };
    end = last.slice(cut);
  }
  yield { text: end, ends: true };
}

/**
 * The lines of a UTF-8 text; the last one is empty where the text ends with a line feed.
 * @throws Error naming one that is longer than `most`
 */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  most = constants.MAX_STRING_LENGTH,
): AsyncGenerator<string> {
  let number = 1;
  let length = 0;
  let parts: string[] = [];
  for await (const { text, ends } of textParts(chunks, "\n")) {
    length += text.length;
    if (length > most) {
      throw new Error(
        `line ${number} is longer than ${thousands(most)} characters, the most that a text can have here; ` +
          "break it into several, or write the file as .txt, whose documents may be of any length",
      );
    }
    parts.push(text);
    if (!ends) continue;
    yield parts.join("");
    parts = [];
    length = 0;
    number++;
  }
}

/** UTF-8 as text. @throws Error saying at which byte it is none */
async function* decoded(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let before = 0;
  // The last bytes so far: the next chunk may begin inside a character.
  let tail: Uint8Array = new Uint8Array();
  for await (const chunk of chunks) {
    let text: string;
    try {
      text = decoder.decode(chunk, { stream: true });
    } catch (cause) {
      const at = firstNotUtf8(tail, chunk);
      throw new Error(
        `is no UTF-8: no character is at byte ${before - tail.length + at}. ` +
          "Convert it, for example with iconv -f LATIN1 -t UTF-8",
        { cause },
      );
    }
    yield text;
    before += chunk.length;
    tail = Buffer.concat([tail, chunk.subarray(-3)]).subarray(-3);
  }
  try {
    yield decoder.decode();
  } catch (cause) {
    throw new Error(`ends inside a UTF-8 character, at byte ${before}; was it truncated?`, { cause });
  }
}

/** Where in `tail` and `chunk` together a character begins that is none; `tail` may begin inside one that is. */
function firstNotUtf8(tail: Uint8Array, chunk: Uint8Array): number {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const bytes = Buffer.concat([tail, chunk]);
  let begin = 0;
  while (begin < tail.length && (tail[begin] & 0xc0) === 0x80) begin++;
  try {
    for (let at = begin; at < bytes.length; at++) {
      if (decoder.decode(bytes.subarray(at, at + 1), { stream: true }) !== "") begin = at + 1;
    }
  } catch {
    // It ends here by design.
  }
  return begin;
}

/** A server that cannot be reached, or does not give the file. */
export class ServerError extends Error {}

/** `fetch`, of what is held in memory at once. @throws ServerError, BoundsError */
export function fetchData(url: string | URL | Request, init?: RequestInit): Promise<Response> {
  const [, begin, end] = /^bytes=(\d+)-(\d+)$/.exec(new Headers(init?.headers).get("range") ?? "") ?? [];
  const asked = Number(end) - Number(begin) + 1;
  return fetchBounded(url, init, ({ status }) => (status === 206 && asked > 0 ? asked : MOST_HELD));
}

async function fetchBounded(
  url: string | URL | Request,
  init: RequestInit | undefined,
  bytes: Bounds["bytes"],
): Promise<Response> {
  const response = await boundedFetch(url, init, { bytes, silence: silence() }).catch((cause: unknown) => {
    const why = cause instanceof Error ? (cause.cause ?? cause) : cause;
    throw new ServerError(`cannot be reached: ${messageOf(why)}`, { cause });
  });
  // A signed address may be there for GET alone.
  if (response.ok || (init?.method === "HEAD" && response.status === 403)) return response;
  await response.body?.cancel();
  throw new ServerError(`the server answers ${response.status} ${response.statusText}`.trimEnd());
}

/** As much as somebody reads of it. */
async function download(url: string): Promise<Readable> {
  const { body } = await fetchBounded(url, undefined, undefined);
  if (!body) throw new ServerError("the server answers with nothing");
  return Readable.fromWeb(body);
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
        `has more than ${thousands(most)} bytes, and is read at once: give it unpacked, or in several files`,
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
