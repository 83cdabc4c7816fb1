/** The options that change a run which goes on. */
import { optionName } from "../errors.js";

/** What was changed is in the run folder once the run goes on, and is not to be changed again. */
export function withoutChanges<O extends object>(options: O, changes: readonly string[]): O {
  const rest = Object.entries(options).filter(([name]) => name !== "checkpoint" && !changes.includes(name));
  return Object.fromEntries(rest) as O;
}

/** As words of a command line: from which checkpoint, and what is otherwise from there on. */
export function changeWords(options: object, changes: readonly string[], updates: number): string[] {
  const given = Object.entries(options).filter(
    ([name, value]) => changes.includes(name) && value !== undefined,
  );
  return [
    ...["--checkpoint", String(updates)],
    ...given.flatMap(([name, value]) => [optionName(name), String(value)]),
  ];
}
