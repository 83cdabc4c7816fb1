/**
 * One file of the hub to the disk: resumed where it was interrupted, and checked before it takes its name. A process
 * writes to a part of its own, so that any number of them may download the same file at once, huggingface_hub too: the
 * blob is put in its place whole, by whoever comes first. A part whose process has ended is gone on with, by one.
 */
import { constants } from "node:fs";
import { access, type FileHandle, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { hasEnded, processName, THIS_PROCESS } from "@normless/safetensors/node";
import { TooLongError } from "./bounds.js";
import { fileSize, hashOf, type HubFile } from "./cache.js";
import { HubError, HubRefusal, messageOf } from "./errors.js";
import { thousands } from "./numbers.js";
import type { Body } from "./server.js";

/** Where a file goes, and where it comes from. */
export interface DownloadOptions {
  /** Where the file goes. */
  readonly target: string;
  /** The file from byte `begin` on. */
  readonly body: (begin: number) => Promise<Body>;
  /** Called with the bytes of the file that are there. */
  readonly progress: (path: string, done: number) => void;
}

/** Attempts in a row after which no more is there than there ever was, before it is given up. */
const PATIENCE = 3;

/** What this process is writing. */
const active = new Set<string>();
let parts = 0;

/** Brings a file to its place. @throws Error when it keeps breaking off (what has come is kept), or is not what the hub says. */
export async function download(file: HubFile, options: DownloadOptions): Promise<void> {
  const part = `${options.target}.${parts++}.${THIS_PROCESS}.incomplete`;
  active.add(part);
  try {
    await adopt(options.target, part);
    const resumed = await fetchAll(file, part, options);
    let hash = await hashOf(part, file.algorithm);
    if (hash !== file.hash && resumed) {
      // The part that was there before may be at fault: once more, from the start.
      await rm(part);
      await fetchAll(file, part, options);
      hash = await hashOf(part, file.algorithm);
    }
    if (hash === file.hash) return await take(part, options.target, file);
    throw new WrongContent(
      `${file.path}: what came is not what the hub has (its ${file.algorithm} hash is ${hash}, not ${file.hash})`,
    );
  } catch (cause) {
    if (!(cause instanceof WrongContent)) throw cause;
    await rm(part, { force: true });
    throw new HubError(`${cause.message}; it was thrown away. Run the command again`, { cause });
  } finally {
    active.delete(part);
  }
}

/** Bytes of a file that a process which has ended left. */
export async function abandonedBytes(target: string): Promise<number> {
  const [largest] = await abandoned(target);
  return largest?.size ?? 0;
}

/** Removes what processes that have ended left of a file that is there. */
export async function removeAbandoned(target: string): Promise<void> {
  for (const { path } of await abandoned(target)) await rm(path, { force: true });
}

/** Makes the longest part that nobody writes to any more this one, and removes the others. */
async function adopt(target: string, part: string): Promise<void> {
  let adopted = false;
  for (const { path } of await abandoned(target)) {
    // Of several processes one can rename it; it is not there for the others, or is being read.
    if (!adopted) adopted = await succeeds(rename(path, part));
    else await rm(path, { force: true });
  }
}

/** Longest first. */
async function abandoned(target: string): Promise<{ readonly path: string; readonly size: number }[]> {
  const found: { path: string; size: number }[] = [];
  for (const name of await readdir(dirname(target)).catch(() => [])) {
    if (!name.startsWith(`${basename(target)}.`)) continue;
    const [, text = ""] = /^\.\d+\.(.+)\.incomplete$/.exec(name.slice(basename(target).length)) ?? [];
    const owner = processName(text);
    const path = join(dirname(target), name);
    if (!owner || active.has(path)) continue;
    if (text !== THIS_PROCESS && !hasEnded(owner)) continue;
    // In a cache that several people share, another's may not be written to.
    const isOurs = await succeeds(access(path, constants.R_OK | constants.W_OK));
    if (isOurs) found.push({ path, size: (await fileSize(path)) ?? 0 });
  }
  return found.sort((a, b) => b.size - a.size);
}

function succeeds(action: Promise<void>): Promise<boolean> {
  return action.then(
    () => true,
    () => false,
  );
}

/** Puts a whole part into its place. */
async function take(part: string, target: string, { size }: HubFile): Promise<void> {
  await rename(part, target).catch(async (error: unknown) => {
    // Some systems let nothing take the place of a file that is read: another process was first.
    if ((await fileSize(target)) !== size) throw error;
    await rm(part, { force: true });
  });
}

/** Until the part has the file's size; whether some of it was there before an attempt. */
async function fetchAll(file: HubFile, part: string, { body, progress }: DownloadOptions): Promise<boolean> {
  const handle = await open(part, "a");
  try {
    let resumed = false;
    let idle = 0;
    let most = 0;
    for (;;) {
      let { size: before } = await handle.stat();
      if (before > file.size) {
        await handle.truncate(0);
        before = 0;
      }
      resumed ||= before > 0;
      most = Math.max(most, before);
      if (before === file.size) {
        await handle.sync();
        return resumed;
      }
      let why = "it ended too early";
      try {
        const rest = await body(before);
        if (rest.begin < before) await handle.truncate(rest.begin);
        await append(handle, rest, file, (done) => progress(file.path, done));
      } catch (error) {
        if (error instanceof HubRefusal || error instanceof DiskError) throw error;
        if (error instanceof TooLongError) {
          const listed = `the ${thousands(file.size)} bytes that the hub lists`;
          throw new WrongContent(`${file.path}: more came than ${listed}`, { cause: error });
        }
        why = messageOf(error);
      }
      const { size: after } = await handle.stat();
      // A server without ranges begins anew each time: what counts is whether it ever gets further.
      idle = after > most ? 0 : idle + 1;
      if (idle < PATIENCE || after === file.size) continue;
      throw new HubError(
        `${file.path}: the download broke off after ${thousands(after)} of ${thousands(file.size)} bytes (${why}). ` +
          "Run the command again: it goes on from there",
      );
    }
  } finally {
    await handle.close();
  }
}

/** What came is not the file. */
class WrongContent extends HubError {}
/** What came cannot be kept. */
class DiskError extends HubError {}

async function append(
  handle: FileHandle,
  { begin, stream }: Body,
  { path, size }: HubFile,
  progress: (done: number) => void,
): Promise<void> {
  let done = begin;
  for await (const chunk of stream) {
    done += chunk.byteLength;
    if (done > size) throw new TooLongError(`more than ${size} bytes came`);
    await handle.appendFile(chunk).catch((cause: unknown) => {
      throw new DiskError(
        `${path}: what came cannot be written (${messageOf(cause)}). Free some space, or name another folder: HF_HUB_CACHE`,
        { cause },
      );
    });
    progress(done);
  }
}
