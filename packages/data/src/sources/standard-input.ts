/**
 * Standard input in the place of a data file: `-` is text, and a kind before it says something else, `jsonl:-`, as
 * ImageMagick has it. It can be read once.
 */
import type { Readable } from "node:stream";

const STANDARD_INPUT = /^(?:([\w.]+):)?-$/;

/** Whether a path means standard input. */
export function isStandardInput(path: string): boolean {
  return STANDARD_INPUT.test(path);
}

/** A file's name that would tell the same kind; undefined for a path of a file. */
export function standardInputAsFile(path: string): string | undefined {
  const [found, kind = "txt"] = STANDARD_INPUT.exec(path) ?? [];
  return found === undefined ? undefined : `-.${kind}`;
}

/** How errors call a data file. */
export function dataName(path: string): string {
  return isStandardInput(path) ? "standard input" : path;
}

/** Standard input itself. */
export function openStandardInput(): Readable {
  return process.stdin;
}
