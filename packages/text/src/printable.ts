/**
 * What others wrote, made safe to show: a name, a token or a server's answer may hold what a terminal obeys or what
 * turns a line around.
 */

/** Control and format characters, halves of surrogate pairs, and the two that end a line besides. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The text on one line, with every character that would not be seen as itself as its code: `\u{1b}`. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}
