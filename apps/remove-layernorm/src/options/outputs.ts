/**
 * What a command writes, held against what it reads, before anything is touched. Whatever writes a file or a folder that
 * a command line names takes an `OutputPath`, and the functions here alone make those: a command that forgets to ask does
 * not compile.
 */
import { readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, sep } from "node:path";
import { dataEndings, isUrl } from "@normless/data";
import { isModelFile } from "@normless/gpt2";
import { parseReference, repositoryFolders } from "@normless/hub";
import { optionName, UsageError } from "../errors.js";
import { isRecipeFile } from "../remove/recipes.js";

declare const CHECKED: unique symbol;
/** A path where writing loses nothing that the command reads. */
export type OutputPath = string & { readonly [CHECKED]: true };

/** Files to write, by the option that names each. */
export type Files = Readonly<Record<string, string | undefined>>;
export type Checked<F extends Files> = {
  readonly [option in keyof F]: F[option] extends string ? OutputPath : OutputPath | undefined;
};

/** What a command reads, by the option or argument that names it: folders, files, addresses, names on the hub. */
export type Inputs = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Options that name what is read, in every command that has them. */
const INPUT_OPTIONS = [
  ...[
    "model",
    "tokenizer",
    "modelConfig",
    "corpus",
    "train",
    "validation",
    "data",
    "tokenIds",
    "norms",
    "prompts",
  ],
  ...["hellaswag", "lambada", "recipe", "config", "blasLibrary"],
];

/** What all of a command's options say that is read: a recipe's name is none. */
export function inputsOf(options: Readonly<Record<string, unknown>>): Inputs {
  const inputs: Record<string, string | string[]> = {};
  for (const name of INPUT_OPTIONS) {
    const value = options[name];
    if (name === "recipe" && !isRecipeFile(value)) continue;
    if (typeof value === "string") inputs[optionName(name)] = value;
    if (Array.isArray(value)) inputs[optionName(name)] = value.filter((path) => typeof path === "string");
  }
  return inputs;
}

export interface OutputFolder {
  /** Which option names it. */
  readonly option: string;
  readonly path: string;
  /** The files and folders in it that are cleared or written over; "" is the folder itself. */
  readonly names: readonly string[];
}

/** Files to write. @throws UsageError when one is read, too, or is the file of another option. */
export async function checkOutputFiles<F extends Files>(files: F, inputs: Inputs): Promise<Checked<F>> {
  const taken = await placesOf(inputs);
  for (const [option, path] of Object.entries(files)) {
    if (path === undefined) continue;
    const output = await placeOf(`the file of ${option}`, path);
    const by = taken.find((place) => same(place, output) || (place.whole && isIn(output.path, place.path)));
    if (by) throw new UsageError(`${option} ${path} would write over ${by.what}; give a path of its own`);
    taken.push(output);
  }
  return Object.fromEntries(Object.entries(files)) as Checked<F>;
}

/** A folder to write into. @throws UsageError when something that is read would be cleared or written over. */
export async function checkOutputFolder(
  { option, path, names }: OutputFolder,
  inputs: Inputs,
): Promise<OutputPath> {
  const taken = await placesOf(inputs);
  for (const name of names) {
    const output = await placeOf("", join(path, name));
    const lost = taken.find(
      (place) =>
        same(place, output) ||
        isIn(place.path, output.path) ||
        (place.whole && isIn(output.path, place.path)),
    );
    if (!lost) continue;
    throw new UsageError(
      `${option} ${path} would clear or write over ${join(path, name)}, and so ${lost.what}, which is read; ` +
        "choose another folder, or move what is read",
    );
  }
  return path as OutputPath;
}

/** A file or folder that may not be lost. */
interface Place {
  readonly what: string;
  /** The one path that it has, whatever links lead there. */
  readonly path: string;
  /** The same for every name of a file; undefined where there is none yet. */
  readonly id: string | undefined;
  /** Everything inside of it belongs to it. */
  readonly whole: boolean;
}

const CORPORA = ["train", "val"].flatMap((part) => dataEndings.map((ending) => part + ending));

/** What a folder of a model, a tokenizer or a corpus is read for, by us or by stock software. */
function isRead(name: string): boolean {
  return isModelFile(name) || CORPORA.includes(name) || /^generation_config\.json$|\.safetensors$/.test(name);
}

async function placesOf(inputs: Inputs): Promise<Place[]> {
  const places: Place[] = [];
  for (const [option, given] of Object.entries(inputs)) {
    for (const path of [given].flat()) {
      if (path === undefined || isUrl(path)) continue;
      places.push(...(await placesOfInput(option, path)));
    }
  }
  return places;
}

async function placesOfInput(option: string, path: string): Promise<Place[]> {
  const found = await stat(path).catch(() => undefined);
  const what = `${option} ${path}`;
  if (!found) {
    const reference = parseReference(path);
    if (!reference) return [];
    // Wherever its files come to lie.
    const folders = await repositoryFolders(reference);
    return Promise.all(folders.map(async (folder) => ({ ...(await placeOf(what, folder)), whole: true })));
  }
  const place = await placeOf(what, path);
  if (!found.isDirectory()) return [place];
  const names = await readdir(path);
  const read = names.filter(isRead);
  return [place, ...(await Promise.all(read.map((name) => placeOf(`${name} of ${what}`, join(path, name)))))];
}

async function placeOf(what: string, path: string): Promise<Place> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  // A folder has one name, but on some systems no number of its own.
  const id = found?.isFile() ? `${found.dev}:${found.ino}` : undefined;
  return { what, path: await wholePath(path), id, whole: false };
}

function same(a: Place, b: Place): boolean {
  return a.path === b.path || (a.id !== undefined && a.id === b.id);
}

function isIn(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** One path for one file, as far as it is there. Links are followed before `..`, as the system does. */
async function wholePath(path: string): Promise<string> {
  try {
    return await realpath(path === "" ? "." : path);
  } catch (error) {
    if (dirname(path) === path) throw error;
    return join(await wholePath(dirname(path)), basename(path));
  }
}
