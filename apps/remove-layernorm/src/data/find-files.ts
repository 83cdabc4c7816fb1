/**
 * The data files that a command line means: files and addresses as they are, of a folder all data files in it, of a
 * pattern that the shell left alone those that match, and standard input.
 */
import { readdir, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { TOKENIZER_FILES } from "@normless/text";
import { glob, isDynamicPattern } from "tinyglobby";
import { optionName, UsageError } from "../errors.js";
import type { Io } from "../terminal/io.js";
import { dataKindsText, isDataFile, isUrl } from "./kinds.js";
import { isStandardInput } from "./standard-input.js";

/** Options that name data files, in every command that has them. */
const DATA_OPTIONS = ["train", "validation", "data"] as const;
type DataOptions = { readonly [option in (typeof DATA_OPTIONS)[number]]?: readonly string[] | undefined };

/** So many files are named one by one. */
const NAMED = 8;

/**
 * A command's options with the files of folders and patterns in their place, in the order of their names' code units,
 * which is the same on every machine. Says which files of a folder are taken, and which are not.
 * @throws UsageError naming the option, where nothing is there to be read, or standard input would be read twice
 */
export async function withDataFiles<O extends object>(io: Io, options: O): Promise<O> {
  // Not every command has all of them.
  const asked: DataOptions = options;
  const found: Record<string, readonly string[]> = {};
  for (const option of DATA_OPTIONS) {
    const paths = asked[option];
    if (paths === undefined) continue;
    const files: string[] = [];
    for (const path of paths) files.push(...(await filesOf(io, optionName(option), path)));
    found[option] = files;
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
  if (both.length > 0) io.err(`trained on and validated on, too: ${named(both)}\n`);
  return { ...options, ...found };
}

async function filesOf(io: Io, option: string, path: string): Promise<readonly string[]> {
  if (isUrl(path) || isStandardInput(path)) return [path];
  const there = await stat(path).catch(() => undefined);
  if (there?.isDirectory()) return filesOfFolder(io, option, path);
  // A name that is there is no pattern, and one that is neither says itself that it is not there.
  return there || !isDynamicPattern(path) ? [path] : filesOfPattern(io, option, path);
}

async function filesOfFolder(io: Io, option: string, path: string): Promise<readonly string[]> {
  const names = (await readdir(path)).filter((name) => !name.startsWith(".")).sort();
  const taken: string[] = [];
  const left: string[] = [];
  for (const name of names) {
    const isFolder = (await stat(join(path, name)).catch(() => undefined))?.isDirectory() ?? false;
    const isTaken = !isFolder && isDataFile(name) && !TOKENIZER_FILES.includes(name) && !isTwin(name, names);
    (isTaken ? taken : left).push(isFolder ? `${name}/` : name);
  }
  if (taken.length === 0) {
    const what = left.length === 0 ? "it is empty" : `it has ${named(left)}`;
    throw new UsageError(
      `${option} ${path}: there is no data file in the folder (${dataKindsText}); ${what}`,
    );
  }
  io.err(`${path}: reading ${named(taken)}${left.length > 0 ? `; leaving out ${named(left)}` : ""}\n`);
  return taken.map((name) => join(path, name));
}

/** Whether it is packed and lies beside what it holds. */
function isTwin(name: string, names: readonly string[]): boolean {
  return /\.(gz|bz2)$/i.test(name) && names.includes(name.replace(/\.\w+$/, ""));
}

async function filesOfPattern(io: Io, option: string, pattern: string): Promise<readonly string[]> {
  const absolute = isAbsolute(pattern);
  const matches = (await glob(pattern, { absolute, expandDirectories: false })).sort();
  const taken = matches.filter(isDataFile);
  const left = matches.filter((file) => !isDataFile(file));
  if (taken.length === 0) {
    const what =
      left.length === 0
        ? "no file matches"
        : `no data file matches (${dataKindsText}); what does is ${named(left)}`;
    throw new UsageError(`${option} ${pattern}: ${what}`);
  }
  if (left.length > 0) io.err(`${pattern}: leaving out ${named(left)}\n`);
  return taken;
}

function named(files: readonly string[]): string {
  const more = files.length > NAMED ? `, and ${files.length - NAMED} more` : "";
  return files.slice(0, NAMED).join(", ") + more;
}
