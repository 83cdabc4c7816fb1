/**
 * Tasks that circuits were found for, as templates: a prompt that has an answer, and the same with one word changed, so that it
 * has the other. Sources: indirect objects, Wang et al. 2022 (arXiv 2211.00593), here with the second name swapped as in the
 * name-swapped pairs of Baroni et al. 2025; greater-than, Hanna et al. 2023 (arXiv 2305.00586); agreement of subject and verb
 * across another noun, Linzen et al. 2016.
 */
import { randomAt } from "@normless/random";

/** The names of the tasks. */
export const tasks = ["ioi", "greater-than", "agreement"] as const;
export type Task = (typeof tasks)[number];

/** A prompt with an answer, and its partner, to which the wrong answer would be the right one or neither is. */
export interface PromptPairText {
  readonly clean: string;
  readonly corrupted: string;
  /** With its space. */
  readonly answer: string;
  readonly wrong: string;
}

/** Text to ids. */
type Encode = (text: string) => readonly number[];
/** Whether a spelling is one token: words that are filled in are, so that all prompts of a file have one length. */
type IsOneToken = (text: string) => boolean;

// Common words first; the tokenizer says which of them are one token.
const NAMES =
  "Mary John James Michael William David Paul Mark Jack Tom Anna Sarah Alice Bob Peter Robert Richard Thomas Charles George " +
  "Daniel Kate Laura Emma Jane Lisa Ben Bill Sam Donald Rachel Susan Karen Simon Adam Martin Max Alex Jim Joe Steve Frank";
const NOUNS =
  "report book letter key friend problem result group question word leader official player student author teacher doctor state " +
  "system plan team member product program law officer file claim";

const words = (text: string) => text.split(" ");

/**
 * So many pairs of a task, drawn by a seed, all different.
 * @throws RangeError where the tokenizer has too few words as one token for as many
 */
export function promptPairs(
  task: Task,
  encode: Encode,
  { count, seed }: { readonly count: number; readonly seed: number },
): PromptPairText[] {
  const make = { ioi: indirectObjects, "greater-than": greaterThan, agreement }[task];
  const pairs = make((text) => encode(text).length === 1);
  const length = commonest(pairs.map(({ clean }) => encode(clean).length));
  // What a tokenizer joins across a word's end, as it may digits, is left out.
  const all = pairs.filter(({ clean, corrupted, answer, wrong }) =>
    [clean, corrupted].every(
      (prompt) =>
        encode(prompt).length === length &&
        [answer, wrong].every(
          (word) => encode(prompt + word).join() === [...encode(prompt), ...encode(word)].join(),
        ),
    ),
  );
  if (all.length < count) {
    throw new RangeError(
      `of ${task} there are ${all.length} prompts whose words are each one token of this tokenizer, and ${count} are asked for; ` +
        (all.length === 0 ? "take a model with another vocabulary" : `ask for ${all.length} at most`),
    );
  }
  return shuffled(all, seed).slice(0, count);
}

/** "When Mary and John went to the store, John gave the book to" → Mary; with Mary giving, John. Both orders of the names. */
function indirectObjects(isOneToken: IsOneToken): PromptPairText[] {
  const names = words(NAMES).filter((name) => isOneToken(` ${name}`));
  return names.flatMap((first) =>
    names
      .filter((second) => second !== first)
      .flatMap((second) => {
        const opening = `When ${first} and ${second} went to work,`;
        const said = (name: string) => `${opening} ${name} gave a book to`;
        return [
          { clean: said(second), corrupted: said(first), answer: ` ${first}`, wrong: ` ${second}` },
          { clean: said(first), corrupted: said(second), answer: ` ${second}`, wrong: ` ${first}` },
        ];
      }),
  );
}

/** "The war lasted from the year 1732 to the year 17" → 45 rather than 19; from 1701 either may be. */
function greaterThan(isOneToken: IsOneToken): PromptPairText[] {
  const two = (year: number) => String(year).padStart(2, "0");
  const years = Array.from({ length: 98 }, (_, i) => i + 2).filter((year) => isOneToken(two(year)));
  if (!isOneToken("01")) return [];
  const said = (year: string) => `The war lasted from the year 17${year} to the year 17`;
  return years.flatMap((year, i) => {
    // As far below as above.
    const pairs = Math.min(i, years.length - 1 - i, 3);
    return Array.from({ length: pairs }, (_, k) => ({
      ...{ clean: said(two(year)), corrupted: said("01") },
      ...{ answer: two(years[i + k + 1]), wrong: two(years[i - k - 1]) },
    }));
  });
}

/** "The reports of the friend" → are; "The report of the friend" → is. The noun next to the verb agrees with neither alone. */
function agreement(isOneToken: IsOneToken): PromptPairText[] {
  const nouns = words(NOUNS).filter((noun) => isOneToken(` ${noun}`) && isOneToken(` ${noun}s`));
  const verbs = [
    [" is", " are"],
    [" was", " were"],
    [" has", " have"],
  ].filter((pair) => pair.every(isOneToken));
  return nouns.flatMap((noun) =>
    nouns
      .filter((other) => other !== noun)
      .flatMap((other) =>
        verbs.flatMap(([one, many]) => {
          const said = (subject: string) => `The ${subject} of the ${other}`;
          return [
            { clean: said(noun), corrupted: said(`${noun}s`), answer: one, wrong: many },
            { clean: said(`${noun}s`), corrupted: said(noun), answer: many, wrong: one },
          ];
        }),
      ),
  );
}

function commonest(values: readonly number[]): number | undefined {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a).at(0)?.[0];
}

/** By keys drawn for each place. */
function shuffled<X>(all: readonly X[], seed: number): X[] {
  const keys = all.map((_, i) => randomAt(seed, i, 0).below(2 ** 31));
  return all
    .map((_, i) => i)
    .sort((a, b) => keys[a] - keys[b] || a - b)
    .map((i) => all[i]);
}
