/**
 * The cache of Python's huggingface_hub: `models--owner--name` with `blobs`, files by the hash of their content;
 * `snapshots/<commit>`, links to them by their names; `refs`, the commit of a branch or tag. Its lock files are not
 * needed for a right cache, as huggingface_hub says itself: each process writes to a file of its own, which takes its
 * place whole.
 * Source: https://huggingface.co/docs/huggingface_hub/guides/manage-cache
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { copyFile, readdir, readFile, readlink, rename, stat, symlink } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import { readIndex } from "@normless/safetensors";
import { makeFolder, withTemporary, writeFileAtomic } from "@normless/safetensors/node";
import { systemCode } from "./errors.js";
import { isCommit, namesOf, type Reference } from "./names.js";

/** A file as the hub lists it. */
export interface HubFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly hash: string;
  readonly algorithm: HashAlgorithm;
}

/** `git` is sha1 over "blob <size>\0" and the content, `sha256` that of the content: the hub's of large files. */
export type HashAlgorithm = "sha256" | "git";

/** The weights of a model in one file. */
export const WEIGHTS = "model.safetensors";
/** What lists the shards of a model in several. */
export const INDEX = "model.safetensors.index.json";
/** What a model is; a snapshot that has one is whole. */
export const CONFIG = "config.json";
/** Of a tokenizer, any of these. */
const TOKENIZERS = [["vocab.json", "merges.txt"], ["tokenizer.json"]];

/** Where everything of a model lies: first by the name that was asked for, then by the other one that it has, if any. */
export async function repositoryFolders({ name, asked }: Reference): Promise<string[]> {
  const { getHFHubCachePath, getRepoFolderName } = await import("@huggingface/hub");
  const cache = getHFHubCachePath().replace(/^~(?=$|[/\\])/, homedir());
  const names = new Set([asked, ...namesOf(name)]);
  // Its type knows no name without an owner, and such a name needs no change.
  return [...names].map((one) => join(cache, getRepoFolderName({ type: "model", name: one })));
}

/** What the cache has of a model. */
export class CachedModel {
  private constructor(readonly folder: string) {}

  /** By each name that a model has; what is downloaded goes to the first. */
  static async of(reference: Reference): Promise<readonly [CachedModel, ...CachedModel[]]> {
    const [first, ...others] = (await repositoryFolders(reference)).map((folder) => new CachedModel(folder));
    return [first, ...others];
  }

  get blobs(): string {
    return join(this.folder, "blobs");
  }

  blob({ hash }: HubFile): string {
    return join(this.blobs, hash);
  }

  snapshot(commit: string): string {
    return join(this.folder, "snapshots", commit);
  }

  /** The commit that a revision was at when it was last asked for. */
  async commitOf(revision: string): Promise<string | undefined> {
    if (isCommit(revision)) return revision;
    const text = await readFile(join(this.folder, "refs", revision), "utf8").catch(() => "");
    return isCommit(text.trim()) ? text.trim() : undefined;
  }

  async keepCommit(revision: string, commit: string): Promise<void> {
    if ((await this.commitOf(revision)) === commit) return;
    const path = join(this.folder, "refs", revision);
    await makeFolder(dirname(path));
    await writeFileAtomic(path, [new TextEncoder().encode(commit)]);
  }

  /** Whether everything that a model needs is there; a tokenizer need not be. */
  async hasModel(commit: string): Promise<boolean> {
    const snapshot = this.snapshot(commit);
    const has = (file: string) => exists(join(snapshot, file));
    if (!(await has(CONFIG))) return false;
    if (await has(WEIGHTS)) return true;
    const index = await readFile(join(snapshot, INDEX), "utf8").catch(() => undefined);
    if (index === undefined) return false;
    for (const shard of shardsOf(index, INDEX)) if (!(await has(shard))) return false;
    return true;
  }

  async hasTokenizer(commit: string): Promise<boolean> {
    for (const files of TOKENIZERS) {
      const there = await Promise.all(files.map((file) => exists(join(this.snapshot(commit), file))));
      if (there.every(Boolean)) return true;
    }
    return false;
  }

  /** The bytes of what a snapshot has under a file's name, or of the blob that it would link to; undefined without either. */
  async sizeOf(file: HubFile, commit: string): Promise<number | undefined> {
    return (await fileSize(join(this.snapshot(commit), file.path))) ?? fileSize(this.blob(file));
  }

  /** Puts a blob into a snapshot. A link is relative, so that the cache can be moved; where a system has none, a copy. */
  async link(file: HubFile, commit: string): Promise<void> {
    const path = join(this.snapshot(commit), file.path);
    const isThere = async () => (await fileSize(path)) === file.size;
    if (await isThere()) return;
    await withTemporary(path, async (temporary) => {
      await symlink(relative(dirname(path), this.blob(file)), temporary).catch(async (error: unknown) => {
        if (systemCode(error) !== "EPERM") throw error;
        await copyFile(this.blob(file), temporary);
      });
      await rename(temporary, path).catch(async (error: unknown) => {
        // Where another process reads the same that it has put there, some systems let nothing take its place.
        if (!(await isThere())) throw error;
      });
    });
  }
}

/** The shards that an index lists, each once. @throws SafetensorsError when it is none, saying so of `where` */
export function shardsOf(index: string, where: string): string[] {
  return [...new Set(readIndex(index, where).values())];
}

/** A file whose content is not what its name in the cache says. */
export interface BrokenFile {
  readonly file: string;
  /** Where it lies. */
  readonly blob: string;
  readonly hash: string;
  readonly found: string;
}

/**
 * The files of a folder that are links to blobs named after another content. A folder outside of a cache has none, nor
 * has a cache on a system without links, where no name tells a hash.
 */
export async function brokenFiles(folder: string): Promise<BrokenFile[]> {
  const broken: BrokenFile[] = [];
  for (const file of await readdir(folder).catch(() => [])) {
    const link = await readlink(join(folder, file)).catch(() => undefined);
    if (link === undefined) continue;
    const blob = resolve(folder, link);
    const hash = basename(blob);
    if (basename(dirname(blob)) !== "blobs" || !isHash(hash)) continue;
    const found = await hashOf(blob, algorithmOf(hash)).catch(() => "none, since it cannot be read");
    if (found !== hash) broken.push({ file, blob, hash, found });
  }
  return broken;
}

/** Whether a text is a hash as the hub tells it: SHA-1 or SHA-256, in hex. */
export function isHash(text: string): boolean {
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}

function algorithmOf(hash: string): HashAlgorithm {
  return hash.length === 64 ? "sha256" : "git";
}

/** The hash of a file, in hex. */
export async function hashOf(path: string, algorithm: HashAlgorithm): Promise<string> {
  const hash = createHash(algorithm === "git" ? "sha1" : "sha256");
  if (algorithm === "git") hash.update(`blob ${(await fileSize(path)) ?? 0}\0`);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest("hex");
}

/** Bytes of what is there, whatever links lead to it; undefined where nothing is. */
export async function fileSize(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ size }) => size,
    () => undefined,
  );
}

/** Whether anything is there, whatever links lead to it. */
export async function exists(path: string): Promise<boolean> {
  return (await fileSize(path)) !== undefined;
}
