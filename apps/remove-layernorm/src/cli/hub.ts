/**
 * Models by their names on the Hugging Face hub, into the cache that Python's huggingface_hub uses, too. What is there
 * already is not downloaded again, what was interrupted goes on where it stopped, and every file is held against the
 * hash that the hub tells of it. `@huggingface/hub` asks and reads; it neither resumes nor checks.
 */
import { copyFile, mkdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import type { ListFileEntry } from "@huggingface/hub";
import { readIndex } from "@normless/safetensors";
import { TOKENIZER_FILES } from "@normless/text";
import { DownloadBar } from "./download-bar.js";
import { download, type HubFile } from "./download.js";
import { messageOf, systemCode, UsageError } from "./errors.js";
import { bytes } from "./format.js";
import type { Io } from "./io.js";

/** A model on the hub. */
interface Reference {
  readonly name: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
}

const REFERENCE = /^([\w-][\w.-]*\/[\w-][\w.-]*)(?:@([\w-][\w./-]*))?$/;
const COMMIT = /^[0-9a-f]{40}$/;
const WEIGHTS = "model.safetensors";
const INDEX = "model.safetensors.index.json";
const CONFIG = "config.json";

/**
 * The folder of a model: a folder of that path where there is one, or else that of `owner/name` or
 * `owner/name@revision` from the hub (HF_ENDPOINT), downloaded into the cache (HF_HUB_CACHE, or HF_HOME) unless it is
 * there already. Without a network, what the cache has.
 * @throws Error saying what the hub answered, and what to do.
 */
export async function resolveModel(io: Io, folderOrName: string): Promise<string> {
  if (await exists(folderOrName)) return folderOrName;
  const [, name, revision = "main"] = REFERENCE.exec(folderOrName) ?? [];
  if (name === undefined || revision.includes("..")) {
    throw new Error(
      `${folderOrName}: there is no such folder. A model on the hub is owner/name, such as openai-community/gpt2`,
    );
  }
  return new HubModel(io, { name, revision }).folder();
}

class HubModel {
  readonly #endpoint = (process.env["HF_ENDPOINT"] ?? "https://huggingface.co").replace(/\/+$/, "");

  constructor(
    readonly io: Io,
    readonly reference: Reference,
  ) {}

  async folder(): Promise<string> {
    const { revision } = this.reference;
    const cached = await this.#cached();
    if (cached !== undefined && COMMIT.test(revision)) return cached;
    if (process.env["HF_HUB_OFFLINE"] === "1") {
      if (cached !== undefined) return cached;
      throw new UsageError(
        `${this.#text} is not in the cache (${await this.#home()}), and HF_HUB_OFFLINE is 1`,
      );
    }
    try {
      return await this.#snapshot();
    } catch (error) {
      const { HubApiError } = await import("@huggingface/hub");
      if (error instanceof HubApiError) throw this.#refusal(error.statusCode, error);
      if (!isNetworkError(error)) throw error;
      if (cached === undefined) throw this.#noNetwork(error);
      this.io.err(`${this.#endpoint} cannot be reached; taking ${this.#text} as it is in the cache\n`);
      return cached;
    }
  }

  /** Downloads what the cache does not have yet. */
  async #snapshot(): Promise<string> {
    const { listFiles, modelInfo } = await import("@huggingface/hub");
    const { name, revision } = this.reference;
    const hub = { ...this.#hub(), repo: { type: "model", name } } as const;
    const { sha: commit } = await modelInfo({ ...this.#hub(), name, revision, additionalFields: ["sha"] });
    if (!COMMIT.test(commit)) throw new Error(`${this.#text}: the hub tells no commit of it`);
    const snapshot = join(await this.#home(), "snapshots", commit);
    const there = new Map<string, ListFileEntry>();
    for await (const entry of listFiles({ ...hub, revision: commit })) there.set(entry.path, entry);

    const get = async (names: readonly string[]) => {
      const files = names.flatMap((path) => there.get(path) ?? []).map((entry) => hubFile(this.#text, entry));
      await this.#fetch(files, { commit, snapshot });
    };
    const weights = there.has(WEIGHTS) ? [WEIGHTS] : [];
    if (weights.length === 0) {
      if (!there.has(INDEX)) throw noWeights(this.#text, [...there.keys()]);
      await get([INDEX]);
      const path = join(snapshot, INDEX);
      weights.push(...new Set(readIndex(await readFile(path, "utf8"), path).values()));
    }
    // The config last: a snapshot that has one is whole.
    await get([...TOKENIZER_FILES, ...weights, CONFIG]);
    if (revision !== commit) {
      const ref = join(await this.#home(), "refs", revision);
      await mkdir(dirname(ref), { recursive: true });
      await writeFile(ref, commit);
    }
    return snapshot;
  }

  /** Files into the cache, where they are by their hash, and links to them into the snapshot. */
  async #fetch(
    files: readonly HubFile[],
    { commit, snapshot }: { readonly commit: string; readonly snapshot: string },
  ): Promise<void> {
    const { downloadFile } = await import("@huggingface/hub");
    const blobs = join(await this.#home(), "blobs");
    await mkdir(blobs, { recursive: true });
    await mkdir(snapshot, { recursive: true });
    const missing: HubFile[] = [];
    for (const file of files) if (!(await exists(join(blobs, file.hash)))) missing.push(file);
    const total = missing.reduce((sum, { size }) => sum + size, 0);
    const bar = new DownloadBar(this.io, total);
    if (total > 0) this.io.err(`downloading ${this.#text}, ${bytes(total)}, to ${snapshot}\n`);
    try {
      for (const file of files) {
        const blob = join(blobs, file.hash);
        if (missing.includes(file)) {
          const options = { ...this.#hub(), repo: { type: "model", name: this.reference.name } } as const;
          const body = async () => {
            // Ranges over plain HTTP, which can go on anywhere; not the hub's newer protocol.
            const found = await downloadFile({ ...options, path: file.path, revision: commit, xet: false });
            if (!found) throw new Error(`${this.#text}: the hub lists ${file.path} and does not have it`);
            return found;
          };
          await download(file, { target: blob, body, progress: (name, done) => bar.update(name, done) });
        }
        await link(blob, join(snapshot, file.path));
      }
    } finally {
      bar.stop();
    }
  }

  /** The snapshot of this revision in the cache, if it is whole. */
  async #cached(): Promise<string | undefined> {
    const home = await this.#home();
    const { revision } = this.reference;
    const commit = COMMIT.test(revision)
      ? revision
      : (await readFile(join(home, "refs", revision), "utf8").catch(() => "")).trim();
    if (!COMMIT.test(commit)) return undefined;
    const snapshot = join(home, "snapshots", commit);
    const has = (file: string) => exists(join(snapshot, file));
    return (await has(CONFIG)) && ((await has(WEIGHTS)) || (await has(INDEX))) ? snapshot : undefined;
  }

  async #home(): Promise<string> {
    const { getHFHubCachePath, getRepoFolderName } = await import("@huggingface/hub");
    return join(getHFHubCachePath(), getRepoFolderName({ type: "model", name: this.reference.name }));
  }

  #hub() {
    const accessToken = process.env["HF_TOKEN"];
    return { hubUrl: this.#endpoint, ...(accessToken && { accessToken }) };
  }

  get #text(): string {
    const { name, revision } = this.reference;
    return revision === "main" ? name : `${name}@${revision}`;
  }

  #refusal(status: number, cause: Error): Error {
    const { name } = this.reference;
    const none = `there is no folder ${this.#text}, and ${this.#endpoint} has no such model`;
    const token =
      "set HF_TOKEN to a token of an account that may read it (https://huggingface.co/settings/tokens)";
    const messages: Readonly<Record<number, string>> = {
      401: `${none} for everybody: check the name. If it is private or gated, ${token}`,
      403: `${name} is gated: accept its conditions on ${this.#endpoint}/${name}, and ${token}`,
      404: `${none}, or not this revision of it: check the name`,
      429: `${this.#endpoint} refuses so many requests: wait a while, or ${token}`,
    };
    return new Error(messages[status] ?? `${this.#text}: ${cause.message}`, { cause });
  }

  #noNetwork(cause: unknown): Error {
    return new Error(
      `there is no folder ${this.#text}, and ${this.#endpoint} cannot be reached (${reason(cause)}). ` +
        "Give a folder that is there, or try again with a network; what is downloaded once works without",
      { cause },
    );
  }
}

/** What the hub lists, with the hash of its content: sha256 of large files, git's sha1 of others. */
function hubFile(where: string, { path, size, oid, lfs }: ListFileEntry): HubFile {
  const hash = lfs?.oid ?? oid;
  if (hash === undefined || !/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(hash)) {
    throw new Error(`${where}: the hub tells no hash of ${path}, so that it cannot be checked`);
  }
  return { path, size: lfs?.size ?? size, hash, algorithm: lfs ? "sha256" : "git" };
}

function noWeights(where: string, files: readonly string[]): Error {
  return new Error(
    `${where} has no ${WEIGHTS} and no ${INDEX}; its files are ${files.join(", ")}. ` +
      "Only safetensors are read: save the model with them, and give its folder",
  );
}

/** Relative, so that the cache can be moved; where a system has no links, a copy. */
async function link(target: string, path: string): Promise<void> {
  if (await exists(path)) return;
  await rm(path, { force: true });
  await symlink(relative(dirname(path), target), path).catch((error: unknown) => {
    if (systemCode(error) === "EPERM") return copyFile(target, path);
    throw error;
  });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** `fetch` throws a TypeError whose cause is the system's. */
function isNetworkError(error: unknown): boolean {
  return error instanceof TypeError && error.message.includes("fetch failed");
}

function reason(error: unknown): string {
  return error instanceof Error && error.cause ? messageOf(error.cause) : messageOf(error);
}
