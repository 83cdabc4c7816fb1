/** Tokens as people read them, one by one. */
import type { Tokenizer } from "@normless/text";

/**
 * The text of each token of a sequence. A character may take several tokens: it stands at the last of them. Without a
 * tokenizer, ids.
 */
export function tokenTexts(tokenizer: Tokenizer | undefined, ids: readonly number[]): string[] {
  if (!tokenizer) return ids.map((id) => ` ${id}`);
  const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
  return ids.map((id, i) => {
    // What was begun ends where an id has no bytes.
    if (!tokenizer.has(id)) return utf8.decode() + withoutToken(id);
    return utf8.decode(tokenizer.decodeBytes([id]), { stream: i + 1 < ids.length });
  });
}

/** One token by itself, in quotes: `" the"`. */
export function quotedToken(tokenizer: Tokenizer | undefined, id: number): string {
  if (!tokenizer) return `token ${id}`;
  return tokenizer.has(id) ? JSON.stringify(tokenizer.decode([id])) : withoutToken(id);
}

/** An id that no token has: of a vocabulary that is padded, or of a hole in it. */
function withoutToken(id: number): string {
  return `⟨id ${id}⟩`;
}
