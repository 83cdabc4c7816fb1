/** What a reader should know of the files of one tokenizer where they do not say the same. */
import type { AddedToken } from "./added-tokens.js";
import { show } from "../json.js";
import type { TokenizerContent } from "./files.js";

/**
 * Where tokenizer.json and GPT-2's own two files disagree. Tokens that another file adds to those two are not looked at
 * here.
 */
export function disagreements(
  json: TokenizerContent,
  two: TokenizerContent,
  elsewhere: ReadonlySet<string>,
): string[] {
  const all = new Map([...json.vocab, ...json.added.map(({ content, id }) => [content, id] as const)]);
  const texts = new Set([...all.keys(), ...two.vocab.keys()].filter((text) => !elsewhere.has(text)));
  const other = [...texts].filter((text) => all.get(text) !== two.vocab.get(text));
  const notes: string[] = [];
  if (other.length > 0) {
    const [text] = other;
    const which = other.length === 1 ? show(text) : `${other.length} tokens, such as ${show(text)}`;
    const id = (of: ReadonlyMap<string, number>) => (of.has(text) ? `id ${of.get(text)}` : "no id");
    notes.push(
      `vocab.json and tokenizer.json disagree on ${which} (${id(two.vocab)} and ${id(all)}); tokenizer.json is taken`,
    );
  }
  const [a, b] = [two.merges, json.merges].map((merges) => merges.map(({ pair }) => pair));
  const text = (pair: unknown) => (Array.isArray(pair) ? pair.join(" ") : show(pair));
  const at = Array.from({ length: Math.max(a.length, b.length) }).findIndex(
    (_, i) => i >= a.length || i >= b.length || text(a[i]) !== text(b[i]),
  );
  if (at >= 0) {
    notes.push(`merges.txt and tokenizer.json disagree from merge ${at + 1} on; tokenizer.json is taken`);
  }
  return notes;
}

/** Added tokens with ids that transformers would not give them: it counts on from the vocabulary, whatever the file says. */
export function outOfOrder(vocab: ReadonlyMap<string, number>, added: readonly AddedToken[]): string[] {
  const beyond = added.filter(({ content }) => !vocab.has(content)).sort((a, b) => a.id - b.id);
  const at = beyond.findIndex(({ id }, i) => id !== vocab.size + i);
  if (at < 0) return [];
  const { content, id } = beyond[at];
  return [
    `${show(content)} is ${id}, where transformers counts on from the vocabulary and makes it ${vocab.size + at}; ${id} is taken`,
  ];
}

/** Tokens that tokenizer.json puts around every text (a template), which `encode` does not: a text has the ids of what it says. */
export function addedByPostProcessor(tokenizerJson: unknown): string[] {
  const tokens = new Set<string>();
  const visit = (processor: unknown): void => {
    if (!isObject(processor)) return;
    const { processors, single } = processor;
    if (Array.isArray(processors)) processors.forEach(visit);
    for (const piece of Array.isArray(single) ? single : []) {
      const special: unknown = isObject(piece) ? piece.SpecialToken : undefined;
      if (isObject(special)) tokens.add(show(special.id));
    }
  };
  if (isObject(tokenizerJson)) visit(tokenizerJson.post_processor);
  if (tokens.size === 0) return [];
  const which = [...tokens].join(" and ");
  return [
    `tokenizer.json has a post_processor that puts ${which} around every text; no token is added to a text here, so write it where it is wanted`,
  ];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
