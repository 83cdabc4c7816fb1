/** How the commands read their options. */
import { mkdirSync, realpathSync } from "node:fs";
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

/** @throws Error when a file to write, by its option, is one that is read, or that of another option. */
export function checkApart(
  outputs: Readonly<Record<string, string | undefined>>,
  inputs: readonly string[] = [],
): void {
  const taken = new Map(inputs.map((path) => [realPath(path), "a file that is read"]));
  for (const [option, path] of Object.entries(outputs)) {
    if (path === undefined) continue;
    const by = taken.get(realPath(path));
    if (by !== undefined) throw new Error(`${option} ${path} would write over ${by}; give a path of its own`);
    taken.set(realPath(path), `the file of ${option}`);
  }
}

/** The folder is there: `outputFile` made it. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
