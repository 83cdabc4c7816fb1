/** The one way to write a file or a folder: what was there is there until all that is new is whole, and on the disk. */
import { access, constants, mkdir, open, readdir, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { SafetensorsError } from "../errors.js";
import { makeFolder } from "./make-folder.js";
import { remedy } from "./remedy.js";
import { withTemporary } from "./temporary.js";

/**
 * Writes chunks to a file and returns how many bytes they were. They go to a temporary file in the same folder, which
 * is synced and then renamed over `path`. What a process that was killed left of that is removed by the next that writes
 * the same file, and by `removeTemporaries`.
 * @throws SafetensorsError when anything fails (a full disk), or an error of the chunks' own; then the temporary file is
 * removed, and what was at `path` before is still there, whole
 */
export async function writeFileAtomic(
  path: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<number> {
  let written = 0;
  const refuse = (cause: unknown): never => {
    throw new SafetensorsError(
      `${path}: writing failed after ${written} bytes; ${remedy(cause, path)}. What was there before is unchanged`,
      { cause },
    );
  };
  return withTemporary(path, async (temporary) => {
    const file = await open(temporary, "wx").catch(refuse);
    try {
      for await (const chunk of chunks) {
        let done = 0;
        while (done < chunk.byteLength) {
          const { bytesWritten } = await file.write(chunk, done, chunk.byteLength - done).catch(refuse);
          done += bytesWritten;
          written += bytesWritten;
        }
      }
      await file.sync().catch(refuse);
    } finally {
      await file.close().catch(refuse);
    }
    await rename(temporary, path).catch(refuse);
    await syncFolder(dirname(path));
    return written;
  });
}

/** How `writeFolderAtomic` takes its place. */
export interface FolderOptions {
  /** The file that takes its place after all others: whoever finds it has all of them. */
  readonly last?: string | undefined;
  /** Files of the folder that was there that go unless there are new ones of their names. Default none. */
  readonly goes?: ((name: string) => boolean) | undefined;
}

/**
 * Writes a folder of files: `fill` is given an empty one to write them into, and when it is done that takes the place of
 * `path`, as a whole where nothing is there, else file by file over those of the same names. It stands beside its place
 * until then, or inside of it where the folder above is on another disk or may not be written to.
 * @returns what `fill` gives
 * @throws an error of `fill`, or the system's; then all that is new is removed, and what was there before is unchanged
 * unless the system failed in the middle of renaming
 */
export async function writeFolderAtomic<X>(
  path: string,
  fill: (folder: string) => Promise<X>,
  options: FolderOptions = {},
): Promise<X> {
  const target = await realpath(path).catch(() => resolve(path));
  const isThere = await stat(target).then(
    () => true,
    () => false,
  );
  const refuse = (cause: unknown): never => {
    throw new SafetensorsError(`${path}: the folder cannot be made; ${remedy(cause, path)}`, { cause });
  };
  if (!isThere) await makeFolder(dirname(target));
  const staged = isThere && !(await hasRoomBeside(target)) ? join(target, ".writing") : target;
  return withTemporary(staged, async (folder) => {
    await mkdir(folder).catch(refuse);
    const result = await fill(folder);
    await syncFolder(folder);
    if (isThere) await moveInto(folder, target, options);
    else await rename(folder, target);
    await syncFolder(isThere ? target : dirname(target));
    return result;
  });
}

/** Whether a folder can be made beside this one and its files renamed into this one. */
async function hasRoomBeside(path: string): Promise<boolean> {
  const above = dirname(path);
  const [own, other] = await Promise.all([stat(path), stat(above)]);
  if (own.dev !== other.dev) return false;
  return access(above, constants.W_OK).then(
    () => true,
    () => false,
  );
}

async function moveInto(folder: string, target: string, { last, goes }: FolderOptions): Promise<void> {
  const names = await readdir(folder);
  for (const name of names) if (name !== last) await rename(join(folder, name), join(target, name));
  for (const name of await readdir(target)) {
    if (goes?.(name) && !names.includes(name)) await rm(join(target, name));
  }
  if (last !== undefined && names.includes(last)) await rename(join(folder, last), join(target, last));
}

/** Makes renames last through a power cut, where the system can; the files themselves are synced. */
async function syncFolder(folder: string): Promise<void> {
  const sync = async () => {
    const handle = await open(folder, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  };
  await sync().catch(() => undefined);
}
