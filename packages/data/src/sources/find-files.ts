/**
 * The data files that a path means: a file or an address as it is, of a folder all data files in it, of a pattern that
 * no shell has replaced those that match, and standard input.
 */
import { readdir, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { TOKENIZER_FILES } from "@normless/text";
import { glob, isDynamicPattern } from "tinyglobby";
import { firstNames, RequestError } from "../errors.js";
import { dataKindsText, isDataFile, isUrl } from "../formats/kinds.js";
import { isStandardInput } from "./standard-input.js";

/** What a path means. */
export interface FoundFiles {
  /** In the order of their names' code units, which is the same on every machine. */
  readonly files: readonly string[];
  /** What of a folder, or of what matches a pattern, is taken and what is not, where there is anything to say. */
  readonly note?: string;
}

/** The files that a path means. @throws RequestError where nothing is there, or no data file in a folder or by a pattern */
export async function findFiles(path: string): Promise<FoundFiles> {
  if (isUrl(path) || isStandardInput(path)) return { files: [path] };
  const there = await stat(path).catch(() => undefined);
  if (there?.isDirectory()) return filesOfFolder(path);
  // A name that is there is no pattern.
  if (there) return { files: [path] };
  if (isDynamicPattern(path)) return filesOfPattern(path);
  // One that ends like a data file says itself that it is not there, when it is read.
  if (isDataFile(path)) return { files: [path] };
  throw new RequestError(`${path}: there is no such file or folder`);
}

async function filesOfFolder(path: string): Promise<FoundFiles> {
  const names = (await readdir(path)).filter((name) => !name.startsWith(".")).sort();
  const taken: string[] = [];
  const left: string[] = [];
  for (const name of names) {
    const found = await stat(join(path, name)).catch(() => undefined);
    const isFolder = found?.isDirectory() ?? false;
    // A pipe or a device is nothing that lies in a folder to be read; a link that leads nowhere is an error later.
    const isTaken =
      (found?.isFile() ?? true) &&
      isDataFile(name) &&
      !TOKENIZER_FILES.includes(name) &&
      !isTwin(name, names);
    (isTaken ? taken : left).push(isFolder ? `${name}/` : name);
  }
  if (taken.length === 0) {
    const what = left.length === 0 ? "it is empty" : `it has ${firstNames(left)}`;
    throw new RequestError(`${path}: there is no data file in the folder (${dataKindsText}); ${what}`);
  }
  const leaving = left.length > 0 ? `; leaving out ${firstNames(left)}` : "";
  return {
    files: taken.map((name) => join(path, name)),
    note: `${path}: reading ${firstNames(taken)}${leaving}`,
  };
}

/** Whether it is packed and lies beside what it holds. */
function isTwin(name: string, names: readonly string[]): boolean {
  return /\.(gz|bz2)$/i.test(name) && names.includes(name.replace(/\.\w+$/, ""));
}

async function filesOfPattern(pattern: string): Promise<FoundFiles> {
  const absolute = isAbsolute(pattern);
  const matches = (await glob(pattern, { absolute, expandDirectories: false })).sort();
  const taken = matches.filter(isDataFile);
  const left = matches.filter((file) => !isDataFile(file));
  if (taken.length === 0) {
    const what =
      left.length === 0
        ? "no file matches"
        : `no data file matches (${dataKindsText}); what does is ${firstNames(left)}`;
    throw new RequestError(`${pattern}: ${what}`);
  }
  return left.length > 0
    ? { files: taken, note: `${pattern}: leaving out ${firstNames(left)}` }
    : { files: taken };
}
