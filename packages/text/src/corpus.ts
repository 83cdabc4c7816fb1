/**
 * Documents to one run of tokens, as GPT-2 is trained on: each document followed by end-of-text.
 * It is the layout of nanoGPT's data/openwebtext/prepare.py; llm.c puts end-of-text before each document instead,
 * which differs at the two ends only.
 */
import type { Encoder, Tokenizer } from "./bpe.js";

/**
 * An encoder of documents that come in pieces: `end` gives end-of-text, too. `<|endoftext|>` written out in a document
 * is text. Ids are uint16, so the vocabulary may have 65,536 tokens at most.
 * @throws RangeError when the vocabulary is larger
 */
export function documentEncoder(tokenizer: Tokenizer): Encoder {
  if (tokenizer.vocabSize > 65_536) {
    throw new RangeError(
      `encodeDocuments: the vocabulary has ${tokenizer.vocabSize} tokens, and a token here is a uint16, which holds ids up to 65535`,
    );
  }
  const encoder = tokenizer.encoder();
  return { write: (text) => encoder.write(text), end: () => [...encoder.end(), tokenizer.eot] };
}

/** A document is looked at in pieces of so many code units: its ids take four times the memory of the tokens. */
const PIECE = 2 ** 20;

/**
 * Encodes documents one after the other, end-of-text after each.
 * @throws RangeError as `documentEncoder`
 */
export function encodeDocuments(tokenizer: Tokenizer, documents: Iterable<string>): Uint16Array {
  const encoder = documentEncoder(tokenizer);
  const parts: Uint16Array[] = [];
  let length = 0;
  const take = (ids: readonly number[]): void => {
    parts.push(Uint16Array.from(ids));
    length += ids.length;
  };
  for (const text of documents) {
    for (let at = 0; at < text.length; at += PIECE) take(encoder.write(text.slice(at, at + PIECE)));
    take(encoder.end());
  }
  const tokens = new Uint16Array(length);
  let offset = 0;
  for (const part of parts) {
    tokens.set(part, offset);
    offset += part.length;
  }
  return tokens;
}
