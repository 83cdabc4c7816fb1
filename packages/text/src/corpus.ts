/**
 * Documents to one run of tokens, as GPT-2 is trained on: each document followed by end-of-text.
 * It is the layout of nanoGPT's data/openwebtext/prepare.py; llm.c puts end-of-text before each document instead,
 * which differs at the two ends only.
 */
import type { Tokenizer } from "./bpe.js";

/**
 * Encodes documents one after the other, end-of-text after each. Special tokens written out in a document are
 * text. Ids are uint16, so the vocabulary may have 65,536 tokens at most.
 * @throws RangeError when the vocabulary is larger
 */
export function encodeDocuments(tokenizer: Tokenizer, documents: Iterable<string>): Uint16Array {
  if (tokenizer.vocabSize > 65_536) {
    throw new RangeError(
      `encodeDocuments: the vocabulary has ${tokenizer.vocabSize} tokens, and a token here is a uint16, which holds ids up to 65535`,
    );
  }
  const encoded: number[][] = [];
  let length = 0;
  for (const text of documents) {
    const ids = tokenizer.encode(text);
    ids.push(tokenizer.eot);
    encoded.push(ids);
    length += ids.length;
  }
  const tokens = new Uint16Array(length);
  let offset = 0;
  for (const ids of encoded) {
    tokens.set(ids, offset);
    offset += ids.length;
  }
  return tokens;
}
