/** How the commands read their options. */
import { mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { InvalidArgumentError } from "@commander-js/extra-typings";

export const wholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };

export const threadCount = wholeNumber(1, 64);

/** Files are named from where npm was called, not from this package. */
export const inputFile = (name: string): string => resolve(process.env["INIT_CWD"] ?? ".", name);

/** Makes the file's folder at once: a name that cannot be written to should not wait for minutes of measuring. */
export function outputFile(name: string): string {
  const path = inputFile(name);
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
  return path;
}
