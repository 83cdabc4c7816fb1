/**
 * GPT-2's tokenizer, byte-level byte-pair encoding: text is cut into words by one regular expression, each word's
 * UTF-8 bytes are joined by the learned merges, and every string has an encoding that decodes to itself.
 * Reading vocab.json, merges.txt and tokenizer.json is in tokenizer-files.ts.
 * Source: Radford et al. 2019, section 2.2, and https://github.com/openai/gpt-2/blob/master/src/encoder.py
 */
import { mergeWord, type MergeTable } from "./merge.js";

/** GPT-2's end-of-text token: it separates documents. */
export const END_OF_TEXT = "<|endoftext|>";

export interface EncodeOptions {
  /**
   * Whether special tokens written out in the text, such as `<|endoftext|>`, become their one id. Default false:
   * they are then text like any other, so that a document cannot end itself.
   */
  specialTokens?: boolean;
}

export interface Tokenizer {
  /** Ids run from 0 to vocabSize - 1. */
  readonly vocabSize: number;
  /** The id of `<|endoftext|>`. */
  readonly eot: number;
  /** Text to ids. A lone surrogate is encoded as U+FFFD, as TextEncoder does. No token is added. */
  encode(text: string, options?: EncodeOptions): number[];
  /** Ids to text. Bytes that are no UTF-8, as when a character was cut in two, become U+FFFD. Throws a RangeError on an id outside the vocabulary. */
  decode(ids: Iterable<number>): string;
  /** Ids to the bytes they stand for, exactly. Throws a RangeError on an id outside the vocabulary. */
  decodeBytes(ids: Iterable<number>): Uint8Array;
}

/** What a tokenizer is made of, checked by whoever read it. */
export interface TokenizerParts {
  /** The bytes of every id; a hole where an id has no token. */
  bytesOfId: (Uint8Array | undefined)[];
  /** The id of each of the 256 byte values. */
  idOfByte: ArrayLike<number>;
  merges: MergeTable;
  /** Tokens that no merge makes, by their text; it holds END_OF_TEXT. */
  specialTokens: ReadonlyMap<string, number>;
  eot: number;
}

// GPT-2's pattern. Its \s is Unicode's White_Space (as in Python's regex module and in Rust), which differs from
// JavaScript's \s at U+0085 and U+FEFF.
const WORD =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

// The cache makes common words cheap; the bounds keep a text of random bytes from filling memory.
const CACHED_WORDS = 65_536;
const CACHED_LENGTH = 64;

export function createTokenizer(parts: TokenizerParts): Tokenizer {
  const { bytesOfId, idOfByte, merges, specialTokens, eot } = parts;
  const vocabSize = bytesOfId.length;
  const utf8 = new TextEncoder();
  const cache = new Map<string, readonly number[]>();
  const special = alternation([...specialTokens.keys()]);

  const encodeWord = (word: string): readonly number[] => {
    const known = cache.get(word);
    if (known !== undefined) return known;
    const ids = mergeWord(
      merges,
      Array.from(utf8.encode(word), (byte) => idOfByte[byte]),
    );
    if (word.length <= CACHED_LENGTH && cache.size < CACHED_WORDS) cache.set(word, ids);
    return ids;
  };

  const encodeText = (text: string, ids: number[]): void => {
    for (const [word] of text.matchAll(WORD)) {
      for (const id of encodeWord(word)) ids.push(id);
    }
  };

  const decodeBytes = (ids: Iterable<number>): Uint8Array => {
    const pieces: Uint8Array[] = [];
    let length = 0;
    for (const id of ids) {
      const bytes = bytesOfId[id];
      if (bytes === undefined) {
        throw new RangeError(
          `decode: id ${id} at position ${pieces.length} is not in the vocabulary of ${vocabSize} tokens (0 to ${vocabSize - 1}); was the text encoded with another tokenizer?`,
        );
      }
      pieces.push(bytes);
      length += bytes.length;
    }
    const joined = new Uint8Array(length);
    let offset = 0;
    for (const piece of pieces) {
      joined.set(piece, offset);
      offset += piece.length;
    }
    return joined;
  };

  return {
    vocabSize,
    eot,
    encode(text, options = {}) {
      const ids: number[] = [];
      if (!options.specialTokens) {
        encodeText(text, ids);
        return ids;
      }
      let start = 0;
      for (const match of text.matchAll(special)) {
        encodeText(text.slice(start, match.index), ids);
        ids.push(specialTokens.get(match[0])!);
        start = match.index + match[0].length;
      }
      encodeText(text.slice(start), ids);
      return ids;
    },
    // ignoreBOM keeps a leading U+FEFF, which is text here and no mark of an encoding.
    decode: (ids) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(decodeBytes(ids)),
    decodeBytes,
  };
}

/** A pattern that finds any of the texts, the longest first. */
function alternation(texts: string[]): RegExp {
  const escaped = texts
    .sort((a, b) => b.length - a.length)
    .map((text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"));
  return new RegExp(escaped.join("|"), "g");
}
