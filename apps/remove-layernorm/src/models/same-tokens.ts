/** Whether an id is the same token to two models. */
import type { Tokenizer } from "@normless/text";

export interface Reader {
  readonly config: { readonly vocabSize: number };
  readonly tokenizer?: Tokenizer | undefined;
}

/**
 * How their tokens differ; undefined where they are the same, as far as their folders tell. The vocabulary of a config
 * may be padded, so that it counts only where a folder has no tokenizer.
 */
export function tokensDiffer(first: Reader, second: Reader): string | undefined {
  const { tokenizer: x, config: a } = first;
  const { tokenizer: y, config: b } = second;
  if (!x || !y) {
    if (a.vocabSize === b.vocabSize) return undefined;
    return `the vocabularies have ${a.vocabSize} and ${b.vocabSize} tokens`;
  }
  // Tokens that a model has no embedding for are in no text of it.
  const [count, other] = [Math.min(x.vocabSize, a.vocabSize), Math.min(y.vocabSize, b.vocabSize)];
  if (count !== other) return `the tokenizers have ${count} and ${other} tokens`;
  for (let id = 0; id < count; id++) {
    const [p, q] = [bytesOf(x, id), bytesOf(y, id)];
    if (p !== q) return `the tokenizers differ: token ${id} is ${p} in the first and ${q} in the second`;
  }
  return undefined;
}

/** A token's bytes as JSON; a vocabulary may have holes. */
function bytesOf(tokenizer: Tokenizer, id: number): string {
  return tokenizer.has(id) ? JSON.stringify(String.fromCharCode(...tokenizer.decodeBytes([id]))) : "missing";
}
