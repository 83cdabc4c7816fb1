/** The right name that a wrong one is nearest to, for errors to name. */
import { closestMatch } from "leven";

/** The share of a name's letters that a slip may have changed. */
const SLIP = 0.5;
/** A name that ends too early, or too late, is known from so many letters on. */
const BEGINNING = 3;

/**
 * The candidate that a name is nearest to: the same but for upper case and separators (`learning_rate`), the same but
 * for a few letters, or the same as far as the shorter of the two goes. Undefined where there is none that anybody could have meant.
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  const meant = lettersOf(name);
  if (meant === "") return undefined;
  const byLetters = new Map<string, string>();
  for (const candidate of candidates) {
    const letters = lettersOf(candidate);
    if (!byLetters.has(letters)) byLetters.set(letters, candidate);
  }
  const all = [...byLetters.keys()];
  const closest = closestMatch(meant, all, { maxDistance: Math.floor(SLIP * meant.length) });
  const begins = all.find(
    (letters) =>
      Math.min(letters.length, meant.length) >= BEGINNING &&
      (letters.startsWith(meant) || meant.startsWith(letters)),
  );
  const found = closest ?? begins;
  return found === undefined ? undefined : byLetters.get(found);
}

/** The end of an error's message that lists the right names: ` Did you mean "x"?`, or nothing. */
export function didYouMean(name: string, candidates: Iterable<string>): string {
  const found = nearest(name, candidates);
  return found === undefined ? "" : ` Did you mean ${JSON.stringify(found)}?`;
}

/** Whether two names differ in nothing but upper case and separators. */
export function sameLetters(a: string, b: string): boolean {
  return lettersOf(a) === lettersOf(b);
}

function lettersOf(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
}
