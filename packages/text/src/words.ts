/**
 * GPT-2's words: what its regular expression cuts a text into, and no merge reaches across. Text comes in pieces of any
 * size, and the words are those of the whole.
 * Source: https://github.com/openai/gpt-2/blob/master/src/encoder.py
 */

/** Takes a text in pieces, of any size. What stands on both sides of a token is apart, as if each were a text. */
export interface TextSink {
  text(piece: string): void;
  token(id: number): void;
  /** The text is whole; another may follow. */
  end(): void;
}

/**
 * In UTF-16 code units. A word is merged as a whole, which takes memory by its length; nothing that anyone reads comes
 * near, and what does (a file of zeros, a genome in one line) would fill it.
 */
export const LONGEST_WORD = 2 ** 20;

// GPT-2's pattern. Its \s is Unicode's White_Space (as in Python's regex module and in Rust), which differs from
// JavaScript's \s at U+0085 and U+FEFF.
const WORD =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

/**
 * A word is sure once so many code units follow it: a character that does not go on with it (a surrogate pair is two),
 * after an apostrophe the two that make no 're, 've or 'll of it, after white space one more and what is none.
 */
const LOOKAHEAD = 2;

/**
 * Hands on the words of a text that comes in pieces, each as soon as it is sure. Throws a RangeError on a word of more
 * than LONGEST_WORD code units.
 */
export class WordSplitter implements TextSink {
  /** What has come of the words that are not sure yet. */
  #rest = "";

  constructor(readonly take: { word(word: string): void; token(id: number): void }) {}

  text(piece: string): void {
    const text = this.#rest + piece;
    let done = 0;
    for (const { 0: word, index } of text.matchAll(WORD)) {
      const end = index + word.length;
      if (end + LOOKAHEAD > text.length) break;
      this.#give(word);
      done = end;
    }
    this.#rest = text.slice(done);
    // The first word of it is at most so much shorter.
    if (this.#rest.length > LONGEST_WORD + LOOKAHEAD) throw this.#tooLong(this.#rest);
  }

  token(id: number): void {
    this.end();
    this.take.token(id);
  }

  end(): void {
    const rest = this.#rest;
    this.#rest = "";
    for (const [word] of rest.matchAll(WORD)) this.#give(word);
  }

  #give(word: string): void {
    if (word.length > LONGEST_WORD) throw this.#tooLong(word);
    this.take.word(word);
  }

  #tooLong(word: string): RangeError {
    this.#rest = "";
    return new RangeError(
      `encode: a word of more than ${LONGEST_WORD} characters, from ${JSON.stringify(word.slice(0, 20))} on. Words are ` +
        "merged as a whole, and such a one would fill the memory; is it text? White space would end it",
    );
  }
}
