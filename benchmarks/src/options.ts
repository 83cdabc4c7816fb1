/** How the commands read their options. */
import { InvalidArgumentError } from "@commander-js/extra-typings";

export const wholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };

export const threadCount = wholeNumber(1, 64);
