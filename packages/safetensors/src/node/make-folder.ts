/** Folders, made where they are not there yet. */
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { SafetensorsError } from "../errors.js";
import { remedy } from "./remedy.js";

/**
 * Makes a folder, and those that it is in, where they are not there yet. Node's own way, `recursive: true`, never ends
 * where a file system has no place for a folder, as /proc.
 * @returns the outermost folder that was made; undefined where all were there
 * @throws SafetensorsError when a folder cannot be made, saying why
 */
export async function makeFolder(path: string): Promise<string | undefined> {
  const why = await tried(path);
  if (why === undefined) return path;
  if (await isFolder(path)) return undefined;
  const outer = dirname(path);
  if (codeOf(why) !== "ENOENT" || outer === path) throw notMade(path, why);
  const made = await makeFolder(outer);
  const again = await tried(path);
  if (again === undefined) return made ?? path;
  // Another process may have been faster.
  if (await isFolder(path)) return made;
  throw notMade(path, again);
}

/** Why a folder was not made; undefined where it was. */
async function tried(path: string): Promise<Error | undefined> {
  return mkdir(path).then(
    () => undefined,
    (cause: Error) => cause,
  );
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function notMade(path: string, cause: Error): SafetensorsError {
  const code = codeOf(cause);
  const why =
    code === "EEXIST" || code === "ENOTDIR"
      ? `a file is there, or on the way there (${code}): choose another folder`
      : remedy(cause, path);
  return new SafetensorsError(`${path}: the folder cannot be made; ${why}`, { cause });
}

function codeOf(cause: Error): unknown {
  return "code" in cause ? cause.code : undefined;
}
