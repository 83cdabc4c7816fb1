/** What a run reads, by content: the files of a model's weights, the files of the data and their tokens. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { type FileRead, isUrl } from "@normless/data";
import { hashOf, INDEX, isCommit, shardsOf, WEIGHTS } from "@normless/hub";
import type { Corpus, FilesRead } from "../data/corpus.js";
import { publicPath } from "./public-path.js";
import type { DataPart, FileFacts, ModelFacts } from "./schema.js";

/** Of a folder in the hub's cache: the name there, and the commit. */
export interface HubSource {
  readonly name: string;
  readonly revision: string;
}

/** Where a folder is a snapshot in the hub's cache: of what. */
export function hubSource(folder: string): HubSource | undefined {
  const path = resolve(folder);
  const revision = basename(path);
  const [, name] = /^models--(.+)$/.exec(basename(dirname(dirname(path)))) ?? [];
  if (name === undefined || !isCommit(revision) || basename(dirname(path)) !== "snapshots") return undefined;
  return { name: name.replace("--", "/"), revision };
}

/** What finds a model again that was asked for and found in `folder`: of one on the hub name and commit, not the cache's folder. */
export function lastingName(asked: string, folder: string): string {
  const hub = asked === folder ? undefined : hubSource(folder);
  return hub ? `${hub.name}@${hub.revision}` : resolve(folder);
}

/** A model in a folder, its weights' files hashed. */
export async function modelFacts(folder: string): Promise<ModelFacts> {
  const hub = hubSource(folder);
  const weights: FileFacts[] = [];
  for (const name of await weightFiles(folder)) weights.push(await fileFacts(join(folder, name), name));
  return { name: hub?.name ?? basename(resolve(folder)), revision: hub?.revision, weights };
}

async function weightFiles(folder: string): Promise<string[]> {
  if (existsSync(join(folder, WEIGHTS))) return [WEIGHTS];
  const path = join(folder, INDEX);
  return shardsOf(await readFile(path, "utf8"), path).sort();
}

/** The data of a run: what was read of which files, and the tokens that came of it. */
export async function dataFacts(
  corpus: Corpus,
  read: FilesRead,
  eot: number | undefined,
): Promise<Record<"train" | "validation", DataPart>> {
  const part = async (name: "train" | "validation"): Promise<DataPart> => {
    const tokens = corpus[name];
    const files: DataPart["files"] = [];
    for (const one of read[name]) files.push({ name: publicPath(one.path), ...(await ofDataFile(one)) });
    return { files, tokens: tokens.length, documents: documentsIn(tokens, eot), sha256: tokensHash(tokens) };
  };
  return { train: await part("train"), validation: await part("validation") };
}

async function ofDataFile({ path, tokens, rows }: FileRead) {
  const found = isUrl(path) ? undefined : await stat(path).catch(() => undefined);
  if (!found?.isFile()) return { tokens, rows };
  const { bytes, sha256 } = await fileFacts(path, path);
  return { bytes, sha256, tokens, rows };
}

function documentsIn(tokens: Uint16Array, eot: number | undefined): number | undefined {
  if (eot === undefined) return undefined;
  let count = 0;
  for (const token of tokens) if (token === eot) count++;
  return count;
}

/** Tells corpora apart: a resumed run must see the same tokens. */
export function tokensHash(tokens: Uint16Array): string {
  const bytes = new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength);
  const hash = createHash("sha256");
  // It takes less than 2 GiB at once.
  for (let at = 0; at < bytes.length; at += 2 ** 28) hash.update(bytes.subarray(at, at + 2 ** 28));
  return hash.digest("hex");
}

/** Hashes by what tells whether a file has changed: the runs of a sweep read the same large files. */
const hashed = new Map<string, string>();

async function fileFacts(path: string, name: string): Promise<FileFacts> {
  const { dev, ino, size, mtimeMs } = await stat(path);
  const key = [dev, ino, size, mtimeMs].join();
  const sha256 = hashed.get(key) ?? (await hashOf(path, "sha256"));
  hashed.set(key, sha256);
  return { name, bytes: size, sha256 };
}
