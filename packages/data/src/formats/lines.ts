/** Text out of bytes: lines, and parts between other separators. */
import { constants } from "node:buffer";
import { getHeapStatistics } from "node:v8";

/**
 * Characters of a line. It is one string, and what is parsed out of it another, of up to two bytes a character each while
 * their parts are still there: what is longer would end the process without a word.
 */
const LONGEST_LINE = Math.min(
  constants.MAX_STRING_LENGTH,
  Math.floor(getHeapStatistics().heap_size_limit / 8),
);

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
  most = LONGEST_LINE,
): AsyncGenerator<string> {
  let number = 1;
  let length = 0;
  let parts: string[] = [];
  for await (const { text, ends } of textParts(chunks, "\n")) {
    length += text.length;
    if (length > most) {
      throw new Error(
        `line ${number} is longer than ${most.toLocaleString("en-US")} characters, the most that a text can have here; ` +
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
