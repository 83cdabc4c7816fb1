/** What a run leaves in its folder, as it is told at the end. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { duration } from "./format.js";
import type { Io } from "./io.js";

/** Of `files`, by their names in the folder, those that are there; a folder's name ends with `/`. */
export function wroteText(
  io: Io,
  folder: string,
  seconds: number,
  files: readonly (readonly [name: string, what: string])[],
): string {
  const there = files.filter(([name]) => existsSync(join(folder, name)));
  const lines = there.map(([name, what]) => `  ${io.colors.bold(join(folder, name))}  ${what}\n`);
  return `Wrote, in ${duration(seconds)}:\n${lines.join("")}`;
}
