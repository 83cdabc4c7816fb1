/** Command lines for people to copy, wherever the shell splits words. */

/** A word as a shell reads it; `~/` in front stays a home. */
export function shellWord(word: string): string {
  if (/^[\w./@:+,=%~-]+$/.test(word)) return word;
  const home = word.startsWith("~/") ? "~/" : "";
  return `${home}'${word.slice(home.length).replaceAll("'", String.raw`'\''`)}'`;
}

/** `npx normless` with its arguments. */
export function normlessCommand(argv: readonly string[]): string {
  return ["npx normless", ...argv.map(shellWord)].join(" ");
}
