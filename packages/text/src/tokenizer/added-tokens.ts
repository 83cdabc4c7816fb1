/**
 * Tokens that were added to a vocabulary, as fine-tuning does it: no merge makes them, they are found in a text by
 * their own characters before it is cut into words. Text comes in pieces of any size; what is found is what the whole
 * text has.
 * Source: https://github.com/huggingface/tokenizers, tokenizers/src/tokenizer/added_vocabulary.rs
 */
import { LONGEST_WORD, type TextSink } from "../words.js";

/** A token beside those that merges make, and how it is found in a text. */
export interface AddedToken {
  readonly content: string;
  readonly id: number;
  /** Found only where no character of a word is beside it. */
  readonly singleWord: boolean;
  /** Takes the white space on its left. */
  readonly lstrip: boolean;
  /** Takes the white space on its right. */
  readonly rstrip: boolean;
  /** Looked for in what those that are not have left. (GPT-2 has no normalizer: nothing else comes of it.) */
  readonly normalized: boolean;
}

/** A finder of the tokens of `added`, each of another content: what is given to it goes on to `next`, with the tokens. */
export function addedTokenFinder(added: readonly AddedToken[]): (next: TextSink) => TextSink {
  const passes = [added.filter(({ normalized }) => normalized), added.filter(({ normalized }) => !normalized)]
    .filter((tokens) => tokens.length > 0)
    .map((tokens) => searchFor(tokens));
  return (next) => passes.reduce((sink, search) => new Finder(search, sink), next);
}

/** What one pass over the text looks for. */
interface Search {
  readonly tokens: ReadonlyMap<string, AddedToken>;
  readonly pattern: RegExp;
  /** Code units of the longest token. */
  readonly longest: number;
  readonly takesLeft: boolean;
}

function searchFor(added: readonly AddedToken[]): Search {
  const tokens = new Map(added.map((token) => [token.content, token]));
  const contents = [...tokens.keys()].sort((a, b) => b.length - a.length);
  return {
    tokens,
    pattern: new RegExp(contents.map(escaped).join("|"), "g"),
    longest: contents[0].length,
    takesLeft: added.some(({ lstrip }) => lstrip),
  };
}

// Rust's \w and \s. All white space is of one code unit.
const WORD_BEGINS = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;
const WORD_ENDS = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]$/u;
const WHITE_SPACE = /^\p{White_Space}/u;

/** Code units of one character, at most. */
const CHARACTER = 2;

/** Finds the longest of the leftmost tokens again and again. */
class Finder implements TextSink {
  /** The text from where something is not decided yet. */
  #rest = "";
  /** The character before it. */
  #before = "";
  /** Places in it: what is before `from` was passed on, and the search goes on at `search`. */
  #from = 0;
  #search = 0;

  constructor(
    readonly sought: Search,
    readonly next: TextSink,
  ) {}

  text(piece: string): void {
    this.#rest += piece;
    const decided = this.#decide(false);
    // White space is not decided where a token may follow that takes it.
    const end = this.sought.takesLeft ? spacesBegin(this.#rest, this.#from, decided) : decided;
    // A pair is passed on whole, for who looks back at it.
    this.#pass(splitsPair(this.#rest, end) ? end - 1 : end);
    if (this.#rest.length <= LONGEST_WORD + this.sought.longest) return;
    this.#forget();
    throw new RangeError(
      `encode: more than ${LONGEST_WORD} characters of white space beside an added token that takes it would fill the ` +
        "memory; is it text?",
    );
  }

  token(id: number): void {
    this.#finish();
    this.next.token(id);
  }

  end(): void {
    this.#finish();
    this.next.end();
  }

  #finish(): void {
    this.#pass(this.#decide(true));
    this.#forget();
  }

  #forget(): void {
    this.#rest = this.#before = "";
    this.#from = this.#search = 0;
  }

  /** Passes tokens on, each after the text before it, and tells up to where all is decided. */
  #decide(whole: boolean): number {
    const { tokens, pattern, longest } = this.sought;
    const text = this.#rest;
    for (;;) {
      pattern.lastIndex = this.#search;
      const match = pattern.exec(text);
      // Where less is left than the longest token, that may still begin.
      const open = whole ? text.length : text.length - longest + 1;
      if (!match) return open;
      const start = match.index;
      const end = start + match[0].length;
      // A longer one may begin here, and what follows may make it none.
      if (!whole && start + longest + CHARACTER > text.length) return Math.min(open, start);
      const token = tokens.get(match[0])!;
      if (token.singleWord && this.#isInWord(start, end)) {
        this.#search = end;
        continue;
      }
      const stop = token.rstrip ? spacesEnd(text, end) : end;
      if (token.rstrip && stop === text.length && !whole) return start;
      const begin = token.lstrip ? Math.max(this.#from, spacesBegin(text, this.#from, start)) : start;
      // As in the source: white space that a token took may hold another all the same, but one that would take it, too,
      // has nothing left.
      if (begin < stop) {
        this.#give(begin);
        this.next.token(token.id);
        this.#from = stop;
      }
      this.#search = end;
    }
  }

  #isInWord(start: number, end: number): boolean {
    return (
      WORD_ENDS.test(this.#characterBefore(start)) || WORD_BEGINS.test(this.#rest.slice(end, end + CHARACTER))
    );
  }

  /** The last code units before a place, enough for any character. */
  #characterBefore(at: number): string {
    const here = this.#rest.slice(Math.max(0, at - CHARACTER), at);
    return (this.#before + here).slice(-CHARACTER);
  }

  /** The text up to `end`, where it was not passed on. */
  #give(end: number): void {
    if (end <= this.#from) return;
    this.next.text(this.#rest.slice(this.#from, end));
    this.#from = end;
  }

  /** The text up to `end`, which is then forgotten. */
  #pass(end: number): void {
    if (end <= 0) return;
    this.#give(end);
    this.#before = this.#characterBefore(end);
    this.#rest = this.#rest.slice(end);
    this.#from = Math.max(0, this.#from - end);
    this.#search = Math.max(0, this.#search - end);
  }
}

/** Where the white space before `end` begins, not before `begin`. */
function spacesBegin(text: string, begin: number, end: number): number {
  let at = end;
  while (at > begin && WHITE_SPACE.test(text[at - 1])) at--;
  return at;
}

/** Where the white space from `begin` on ends. */
function spacesEnd(text: string, begin: number): number {
  let at = begin;
  while (at < text.length && WHITE_SPACE.test(text[at])) at++;
  return at;
}

function splitsPair(text: string, at: number): boolean {
  return at > 0 && at < text.length && (text.charCodeAt(at) & 0xfc00) === 0xdc00;
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}
