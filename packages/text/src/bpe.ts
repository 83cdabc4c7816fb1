/**
 * GPT-2's tokenizer, byte-level byte-pair encoding: text is cut into words by one regular expression (words.ts), each
 * word's UTF-8 bytes are joined by the learned merges (merge.ts), and every string has an encoding that decodes to
 * itself. Tokens that were added to the vocabulary are found before that (added-tokens.ts). Reading vocab.json,
 * merges.txt and tokenizer.json is in tokenizer-files.ts.
 * Source: Radford et al. 2019, section 2.2, and https://github.com/openai/gpt-2/blob/master/src/encoder.py
 */
import { type AddedToken, addedTokenFinder } from "./tokenizer/added-tokens.js";
import { mergeWord, type MergeTable } from "./merge.js";
import { WordSplitter } from "./words.js";

/** GPT-2's end-of-text token: it separates documents. */
export const END_OF_TEXT = "<|endoftext|>";

/** How a text is encoded. */
export interface EncodeOptions {
  /**
   * Whether `<|endoftext|>` written out in the text becomes its one id. Default false: it is then text like any other,
   * so that a document cannot end itself. All other added tokens are found in any text.
   */
  specialTokens?: boolean;
}

/** Text to ids, piece by piece: the ids of all pieces together are those of the whole text, however it is cut. */
export interface Encoder {
  /**
   * The ids that the text so far makes sure, and that were not given yet. Throws a RangeError on a word of more than
   * 2^20 characters.
   */
  write(text: string): number[];
  /** The ids that are left; the text is whole, and another may follow. */
  end(): number[];
}

/** Text to ids, and back. */
export interface Tokenizer {
  /** Ids run from 0 to vocabSize - 1. Some of them may have no token. */
  readonly vocabSize: number;
  /** The id of `<|endoftext|>`. */
  readonly eot: number;
  /** Tokens that no merge makes, as fine-tuning adds them: id by text. `<|endoftext|>` is one. */
  readonly addedTokens: ReadonlyMap<string, number>;
  /** Whether an id has a token. */
  readonly has: (id: number) => boolean;
  /**
   * Text to ids. A lone surrogate is encoded as U+FFFD, as TextEncoder does. No token is put before or after. Throws a
   * RangeError on a word of more than 2^20 characters, or a text of more than 2^26 tokens: `encoder` takes longer ones.
   */
  encode(text: string, options?: EncodeOptions): number[];
  /** For a text that comes in pieces, or is too long to have all its ids at once. */
  encoder(options?: EncodeOptions): Encoder;
  /** Ids to text. Bytes that are no UTF-8, as when a character was cut in two, become U+FFFD. Throws a RangeError on an id without a token. */
  decode(ids: Iterable<number>): string;
  /** Ids to the bytes they stand for, exactly. Throws a RangeError on an id without a token. */
  decodeBytes(ids: Iterable<number>): Uint8Array;
}

/** What a tokenizer is made of, checked by whoever read it. */
export interface TokenizerParts {
  /** The bytes of every id; a hole where an id has no token. */
  bytesOfId: (Uint8Array | undefined)[];
  /** The id of each of the 256 byte values. */
  idOfByte: ArrayLike<number>;
  merges: MergeTable;
  /** Each of another content; END_OF_TEXT is one. */
  added: readonly AddedToken[];
  eot: number;
}

// The cache makes common words cheap; the bounds keep a text of random bytes from filling memory.
const CACHED_WORDS = 65_536;
const CACHED_LENGTH = 64;

/** A text is looked at in pieces of so many code units. */
const PIECE = 2 ** 16;

/** An engine ends when an array grows much beyond this. */
const MOST_IDS = 2 ** 26;

/** The tokenizer of these parts. */
export function createTokenizer(parts: TokenizerParts): Tokenizer {
  const { bytesOfId, idOfByte, merges, added, eot } = parts;
  const vocabSize = bytesOfId.length;
  const findAll = addedTokenFinder(added);
  const findOthers = addedTokenFinder(added.filter(({ content }) => content !== END_OF_TEXT));
  const toBytes = new TextEncoder();
  // ignoreBOM keeps a leading U+FEFF, which is text here and no mark of an encoding.
  const toText = new TextDecoder("utf-8", { ignoreBOM: true });
  const cache = new Map<string, readonly number[]>();

  const encodeWord = (word: string): readonly number[] => {
    const known = cache.get(word);
    if (known !== undefined) return known;
    const bytes = toBytes.encode(word);
    const ids = mergeWord(
      merges,
      Array.from(bytes, (byte) => idOfByte[byte]),
    );
    // The key is a string of its own: a part of a text would keep all of it in memory.
    if (word.length <= CACHED_LENGTH && cache.size < CACHED_WORDS) cache.set(toText.decode(bytes), ids);
    return ids;
  };

  const encoder = ({ specialTokens = false }: EncodeOptions = {}): Encoder => {
    let ids: number[] = [];
    const words = new WordSplitter({
      word: (word) => {
        for (const id of encodeWord(word)) ids.push(id);
      },
      token: (id) => ids.push(id),
    });
    const sink = (specialTokens ? findAll : findOthers)(words);
    const taken = () => {
      const given = ids;
      ids = [];
      return given;
    };
    return {
      write(text) {
        for (let at = 0; at < text.length; at += PIECE) {
          sink.text(text.slice(at, at + PIECE));
          if (ids.length > MOST_IDS) {
            throw new RangeError(
              `encode: the text has more than ${MOST_IDS} tokens, too many for one array; give it to encoder() in pieces`,
            );
          }
        }
        return taken();
      },
      end() {
        sink.end();
        return taken();
      },
    };
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
    addedTokens: new Map(added.map(({ content, id }) => [content, id])),
    has: (id) => bytesOfId[id] !== undefined,
    encode(text, options) {
      const whole = encoder(options);
      const ids = whole.write(text);
      for (const id of whole.end()) ids.push(id);
      return ids;
    },
    encoder,
    decode: (ids) => toText.decode(decodeBytes(ids)),
    decodeBytes,
  };
}
