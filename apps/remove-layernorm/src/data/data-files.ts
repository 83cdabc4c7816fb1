/** The data that a command line names: its files, and what is read of their rows. */
import {
  firstNames,
  dataKindsText,
  findFiles,
  hasColumns,
  isStandardInput,
  type RowOptions,
} from "@normless/data";
import { optionName, readAsked, UsageError } from "../errors.js";
import type { Io } from "../terminal/io.js";

/** How help texts say what data are. */
export const dataText = `files, folders or https addresses (${dataKindsText}), or - for text from standard input`;

/** Options that name data files, in every command that has them. */
const DATA_OPTIONS = ["train", "validation", "data"] as const;
type DataOptions = { readonly [option in (typeof DATA_OPTIONS)[number]]?: readonly string[] | undefined };

/**
 * A command's options with the files of folders and patterns in their place. Says which files of a folder are taken, and
 * which are not.
 * @throws UsageError naming the option, where nothing is there to be read, or standard input would be read twice
 */
export async function withDataFiles<O extends object>(io: Io, options: O): Promise<O> {
  // Not every command has all of them.
  const asked: DataOptions = options;
  const found: Record<string, readonly string[]> = {};
  for (const option of DATA_OPTIONS) {
    const paths = asked[option];
    if (paths === undefined) continue;
    const all: string[] = [];
    for (const path of paths) {
      const { files, note } = await readAsked(() => findFiles(path), optionName(option));
      if (note !== undefined) io.err(`${note}\n`);
      all.push(...files);
    }
    found[option] = all;
  }
  const all = Object.entries(found).flatMap(([option, files]) => files.map((file) => ({ option, file })));
  const [first, second] = all.filter(({ file }) => isStandardInput(file));
  if (second !== undefined) {
    throw new UsageError(
      `standard input can be read once, and ${optionName(first.option)} and ${optionName(second.option)} name it; ` +
        "give one of them a file",
    );
  }
  if (first !== undefined && process.stdin.isTTY) io.err("reading standard input; Control-D ends it\n");
  const { train = [], validation = [] } = found;
  const both = train.filter((file) => validation.includes(file));
  if (both.length > 0) io.err(`trained on and validated on, too: ${firstNames(both)}\n`);
  return { ...options, ...found };
}

/** These of all options of a command. @throws UsageError when one is given and none of the files has rows. */
export function rowOptions(
  files: readonly string[],
  { textColumn, tokenColumn, rows }: RowOptions,
): RowOptions {
  const options = { textColumn, tokenColumn, rows };
  const given = Object.entries({ "--text-column": textColumn, "--token-column": tokenColumn, "--rows": rows })
    .filter(([, value]) => value !== undefined)
    .map(([option]) => option);
  if (given.length === 0 || files.some(hasColumns)) return options;
  throw new UsageError(
    `${given.join(" and ")}: only .jsonl and .parquet files have rows, and there is none among ${files.join(", ")}`,
  );
}
