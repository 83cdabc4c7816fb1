/** Options back into the words of a command line. */
import { optionName } from "../errors.js";

/** Options whose lists are one word, with commas. */
const WITH_COMMAS = ["sites"];

/** `show` turns a value of an option into its word; those that are undefined or off are left out. */
export function optionWords(
  options: object,
  show: (option: string, value: string) => string = (_, value) => value,
): string[] {
  // Values of options are words, numbers, and lists of words.
  const entries = Object.entries(options) as [
    string,
    string | number | boolean | readonly string[] | undefined,
  ][];
  return entries.flatMap(([name, value]) => {
    if (value === undefined || value === false) return [];
    const option = optionName(name);
    if (value === true) return [option];
    const words = Array.isArray(value) && WITH_COMMAS.includes(name) ? value.join(",") : value;
    return [option, ...[words].flat().map((word) => show(option, word === Infinity ? "all" : String(word)))];
  });
}
