/** One table for the terminal. */
import Table from "cli-table3";
import type { Io } from "./io.js";

export type Cells = readonly string[];

/** Columns after the first `names` are numbers, to the right. */
export function table(io: Io, head: Cells, rows: readonly Cells[], names = 1): string {
  const made = new Table({
    head: head.map((cell) => io.colors.bold(cell)),
    colAligns: head.map((_, column) => (column < names ? "left" : "right")),
    // Colours are this command's choice, not the library's.
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows) made.push([...row]);
  return `${made.toString()}\n`;
}
