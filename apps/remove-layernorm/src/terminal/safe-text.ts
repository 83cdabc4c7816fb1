/** The one way of text to a terminal: what others wrote may hold what a terminal obeys. */

/** What this command's own colours are made of; the one that hides text is none of them. */
const COLORS = /(\u001b\[(?:0|[1-7]|9|2\d|3\d|4\d|9\d)m)/;

/** Control characters but tab and line feed, and those that turn the direction of a line around. */
const OBEYED = /[^\P{Cc}\t\n]|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** The text with an escape such as `\u{1b}` for each character that a terminal would obey. */
export function safeText(text: string): string {
  const parts = text.split(COLORS);
  // Every second one is what was split at.
  return parts.map((part, i) => (i % 2 === 1 ? part : part.replace(OBEYED, escaped))).join("");
}

function escaped(character: string): string {
  return `\\u{${character.codePointAt(0)!.toString(16)}}`;
}
