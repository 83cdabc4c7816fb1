/** What this package throws. */

/**
 * Every refusal of this package: a malformed file, a tensor that is not there, a write that failed.
 * The message names the file, the tensor and the figures, and says how to fix it; it is one line, in which what a terminal
 * would obey is escaped, since names are the file's. `cause` holds the system's error.
 */
export class SafetensorsError extends Error {
  override readonly name = "SafetensorsError";

  constructor(message: string, options?: ErrorOptions) {
    super(printable(message), options);
  }
}

/** Control and format characters, halves of surrogate pairs, and the two that end a line besides. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The text with every character that would not be seen as itself as its code: `\u{1b}`. */
function printable(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}
