/** One file of the hub to the disk: resumed where it was interrupted, and checked before it takes its name. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { appendFile, open, rename, rm, stat } from "node:fs/promises";
import { messageOf } from "./errors.js";

export interface HubFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly hash: string;
  /** `git` is sha1 over "blob <size>\0" and the content. */
  readonly algorithm: "sha256" | "git";
}

export interface DownloadOptions {
  /** Where the file goes; `<target>.incomplete` holds what has come so far. */
  readonly target: string;
  /** The whole file; slices of it are asked for by range. */
  readonly body: () => Promise<Blob>;
  /** Called with the bytes of the file that are there. */
  readonly progress: (path: string, done: number) => void;
}

/** Attempts in a row that bring no byte, before it is given up. */
const PATIENCE = 3;

/** @throws Error when it keeps breaking off (what has come is kept), or its content is not what the hub says. */
export async function download(file: HubFile, options: DownloadOptions): Promise<void> {
  const incomplete = `${options.target}.incomplete`;
  let resumed = await fetchAll(file, incomplete, options);
  let hash = await hashOf(incomplete, file);
  if (hash !== file.hash && resumed) {
    // A part that was there before, or a server that knows no ranges, may be at fault: once more, from the start.
    await rm(incomplete);
    resumed = await fetchAll(file, incomplete, options);
    hash = await hashOf(incomplete, file);
  }
  if (hash === file.hash) return rename(incomplete, options.target);
  await rm(incomplete);
  throw new Error(
    `${file.path}: what came is not what the hub has (its ${file.algorithm} hash is ${hash}, not ${file.hash}); ` +
      "it was thrown away. Run the command again",
  );
}

/** Until the file has its size; whether a part of it was there before an attempt. */
async function fetchAll(
  file: HubFile,
  incomplete: string,
  { body, progress }: DownloadOptions,
): Promise<boolean> {
  await appendFile(incomplete, "");
  let resumed = false;
  let idle = 0;
  for (;;) {
    const before = await sizeOf(incomplete);
    resumed ||= before > 0;
    if (before >= file.size) return resumed;
    let why = "it ended too early";
    try {
      const rest = (await body()).slice(before);
      await append(incomplete, rest, (count) => progress(file.path, before + count));
    } catch (error) {
      if (isRefusal(error)) throw error;
      why = messageOf(error);
    }
    const after = await sizeOf(incomplete);
    if (after >= file.size) return resumed;
    idle = after > before ? 0 : idle + 1;
    if (idle === PATIENCE) {
      throw new Error(
        `${file.path}: the download broke off after ${after} of ${file.size} bytes (${why}). ` +
          "Run the command again: it goes on from there",
      );
    }
  }
}

/** The hub's own answer, such as that a model is gated: asking again does not change it. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && "statusCode" in error && Number(error.statusCode) < 500;
}

async function append(path: string, body: Blob, progress: (count: number) => void): Promise<void> {
  const file = await open(path, "a");
  try {
    const reader: ReadableStreamDefaultReader<Uint8Array> = body.stream().getReader();
    let count = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      await file.appendFile(value);
      progress((count += value.byteLength));
    }
  } finally {
    await file.close();
  }
}

async function hashOf(path: string, { algorithm }: HubFile): Promise<string> {
  const hash = createHash(algorithm === "git" ? "sha1" : "sha256");
  if (algorithm === "git") hash.update(`blob ${await sizeOf(path)}\0`);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest("hex");
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
