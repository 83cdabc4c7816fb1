/** Values of options: text to what it means, or a message that says what is expected. */
import { existsSync } from "node:fs";
import { type CommandUnknownOpts, InvalidArgumentError } from "@commander-js/extra-typings";
import { MOST } from "./most.js";
import { didYouMean } from "./nearest.js";

function numberWhere(test: (value: number) => boolean, expected: string) {
  return (text: string): number => {
    const value = Number(text);
    if (text.trim() !== "" && test(value)) return value;
    throw new InvalidArgumentError(`Expected ${expected}.`);
  };
}

const wholeNumber = (least: number, most: number) =>
  numberWhere(
    (value) => Number.isInteger(value) && value >= least && value <= most,
    `a whole number from ${least} to ${most}`,
  );

const upToMost = (least: number) =>
  Object.fromEntries(
    Object.entries(MOST).map(([of, most]) => [of, wholeNumber(least, most)] as const),
  ) as Readonly<Record<keyof typeof MOST, (text: string) => number>>;

/** By what is counted: one at least. */
export const countArguments = upToMost(1);
/** The same where there may be none. */
export const wholeArguments = upToMost(0);
/** `all` is more than there can be. */
export function countOrAllArgument(text: string): number {
  if (text === "all") return Infinity;
  const value = Number(text);
  if (text.trim() !== "" && Number.isSafeInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError("Expected a whole number from 1 up, or all.");
}
export const integerArgument = numberWhere(Number.isSafeInteger, "a whole number");
export const positiveArgument = numberWhere(
  (value) => Number.isFinite(value) && value > 0,
  "a number above 0",
);
export const notNegativeArgument = numberWhere(
  (value) => Number.isFinite(value) && value >= 0,
  "a number from 0 up",
);
export const probabilityArgument = numberWhere(
  (value) => value > 0 && value <= 1,
  "a number above 0 and at most 1",
);
export const shareArgument = numberWhere((value) => value >= 0 && value <= 1, "a share from 0 to 1");

/** Names with commas between them. */
export function namesArgument(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.includes("")) throw new InvalidArgumentError("Expected names with commas between them.");
  return names;
}

/** Of an option that is given several, one after the other or with commas; one that is there with its comma is a path. */
export function listArgument(text: string, before: readonly string[] = []): string[] {
  const parts = existsSync(text) ? [text] : text.split(",");
  return [...before, ...parts.map((part) => part.trim()).filter((part) => part !== "")];
}

/** Has every option with choices name the nearest of them where it is given none. */
export function nameNearestChoices({ options }: CommandUnknownOpts): void {
  for (const option of options) {
    const { argChoices, variadic } = option;
    if (!argChoices || variadic) continue;
    option.argParser((text) => {
      if (argChoices.includes(text)) return text;
      const allowed = `Allowed choices are ${argChoices.join(", ")}.`;
      throw new InvalidArgumentError(`${allowed}${didYouMean(text, argChoices)}`);
    });
  }
}
