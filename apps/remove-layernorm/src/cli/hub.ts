/**
 * Models by their names on the Hugging Face hub, into the cache that Python's huggingface_hub uses, too. What is there
 * already is not downloaded again, what was interrupted goes on where it stopped, and every file is held against the
 * size and the hash that the hub tells of it.
 */
import { mkdir, readFile, statfs } from "node:fs/promises";
import { basename, join } from "node:path";
import type { ListFileEntry } from "@huggingface/hub";
import type { LoadedModel } from "@normless/gpt2";
import { messageOf, UsageError } from "./errors.js";
import { bytes, thousands } from "./format.js";
import {
  type BrokenFile,
  brokenFiles,
  CachedModel,
  CONFIG,
  exists,
  type HubFile,
  INDEX,
  isCommit,
  parseReference,
  type Reference,
  shardsOf,
  showReference,
  WEIGHTS,
} from "./hub/cache.js";
import { abandonedBytes, download, removeAbandoned } from "./hub/download.js";
import { DownloadBar } from "./hub/download-bar.js";
import { HubServer, hubFile, HubUnreachable } from "./hub/server.js";
import type { Io } from "./io.js";
import { readModelSaying } from "./read-model.js";

const TOKENIZER = [
  "vocab.json",
  "merges.txt",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
];

/** A model that is on the disk. */
export interface FoundModel {
  readonly folder: string;
  /** Reads it. What of the hub's cache is broken is downloaded once more, and said. @throws Error naming the file */
  load(): Promise<LoadedModel>;
}

/**
 * The folder of that path where there is one, or else that of `owner/name` or `owner/name@revision` from the hub
 * (HF_ENDPOINT), downloaded into the cache (HF_HUB_CACHE, or HF_HOME) unless it is there already. Without a network,
 * what the cache has.
 * @throws Error saying what the hub answered, and what to do.
 */
export async function findModel(io: Io, folderOrName: string): Promise<FoundModel> {
  if (await exists(folderOrName)) return new Found(io, folderOrName, undefined);
  const reference = parseReference(folderOrName);
  if (!reference) {
    throw new Error(
      `${folderOrName}: there is no such folder. A model on the hub is owner/name, such as openai-community/gpt2`,
    );
  }
  const model = new HubModel(io, reference, await CachedModel.of(reference));
  return new Found(io, await model.folder(), model);
}

class Found implements FoundModel {
  constructor(
    readonly io: Io,
    readonly folder: string,
    readonly source: HubModel | undefined,
  ) {}

  async load(): Promise<LoadedModel> {
    try {
      return await readModelSaying(this.io, this.folder);
    } catch (cause) {
      const broken = await brokenFiles(this.folder);
      if (broken.length === 0) throw cause;
      const what = broken
        .map(
          ({ file, hash, found }) =>
            `${file} is broken in the hub's cache: its hash is ${found}, not ${hash}`,
        )
        .join("; ");
      if (this.source && !isOffline()) {
        await this.source.replace(this.folder, broken, what).catch((why: unknown) => {
          throw new Error(
            `${messageOf(cause)}\n${what}, and it cannot be downloaded again: ${messageOf(why)}`,
            {
              cause: why,
            },
          );
        });
        return readModelSaying(this.io, this.folder);
      }
      const way = this.source
        ? "Unset HF_HUB_OFFLINE and run the command again, which downloads it once more"
        : "Give the model by its name on the hub instead of its folder, which downloads it once more";
      throw new Error(`${messageOf(cause)}\n${what}. ${way}`, { cause });
    }
  }
}

function isOffline(): boolean {
  return /^(1|on|yes|true)$/i.test(process.env["HF_HUB_OFFLINE"] ?? "");
}

class HubModel {
  readonly #server: HubServer;

  constructor(
    readonly io: Io,
    readonly reference: Reference,
    readonly cache: CachedModel,
  ) {
    this.#server = new HubServer(reference);
  }

  async folder(): Promise<string> {
    const { cache, reference } = this;
    const { endpoint } = this.#server;
    const commit = await cache.commitOf(reference.revision);
    const cached = commit !== undefined && (await cache.hasModel(commit)) ? commit : undefined;
    if (cached !== undefined) {
      // A commit never changes; but huggingface_hub may have been asked for a part of it alone.
      const isWhole = isCommit(reference.revision) && (await cache.hasTokenizer(cached));
      if (isWhole || isOffline()) return cache.snapshot(cached);
    }
    if (isOffline()) {
      throw new UsageError(`${this.#text} is not in the cache (${cache.folder}), and HF_HUB_OFFLINE is set`);
    }
    try {
      return await this.#download(await this.#server.commit());
    } catch (error) {
      if (!(error instanceof HubUnreachable)) throw error;
      const why = messageOf(error);
      if (cached !== undefined) {
        this.io.err(`${endpoint} cannot be reached (${why}); taking ${this.#text} as it is in the cache\n`);
        return cache.snapshot(cached);
      }
      throw new Error(
        `there is no folder ${this.#text}, and ${endpoint} cannot be reached (${why}). ` +
          "Give a folder that is there, or try again with a network; what is downloaded once works without",
        { cause: error },
      );
    }
  }

  /** Downloads files of a snapshot once more. */
  async replace(snapshot: string, broken: readonly BrokenFile[], what: string): Promise<void> {
    this.io.err(`${what}; downloading it again\n`);
    await this.#download(basename(snapshot), new Set(broken.map(({ hash }) => hash)));
  }

  /** Downloads what the cache does not have yet, or has `broken`. */
  async #download(commit: string, broken: ReadonlySet<string> = new Set()): Promise<string> {
    const { revision } = this.reference;
    const snapshot = this.cache.snapshot(commit);
    const there = await this.#server.files(commit);
    const get = (names: readonly string[]) => this.#fetch(this.#listed(there, names), { commit, broken });
    const weights = there.has(WEIGHTS) ? [WEIGHTS] : [];
    if (weights.length === 0) {
      if (!there.has(INDEX)) throw noWeights(this.#text, [...there.keys()]);
      await get([INDEX]);
      const path = join(snapshot, INDEX);
      weights.push(...shardsOf(await readFile(path, "utf8"), path));
    }
    // The config last: a snapshot that has one is whole.
    await get([...TOKENIZER, ...weights, CONFIG]);
    await this.cache.keepCommit(revision, commit);
    return snapshot;
  }

  #listed(there: ReadonlyMap<string, ListFileEntry>, names: readonly string[]): HubFile[] {
    return names.flatMap((name) => {
      const entry = there.get(name);
      return entry ? [hubFile(this.#text, entry)] : [];
    });
  }

  /** Files into the cache, where they are by their hash, and links to them into the snapshot. */
  async #fetch(
    files: readonly HubFile[],
    { commit, broken }: { readonly commit: string; readonly broken: ReadonlySet<string> },
  ): Promise<void> {
    const { cache, io } = this;
    const snapshot = cache.snapshot(commit);
    await mkdir(cache.blobs, { recursive: true });
    await mkdir(snapshot, { recursive: true });
    const missing: HubFile[] = [];
    for (const file of files) {
      const size = await cache.sizeOf(file, commit);
      if (size === file.size && !broken.has(file.hash)) continue;
      missing.push(file);
      if (size === undefined || size === file.size) continue;
      io.err(
        `${file.path} has ${thousands(size)} bytes in the cache, and the hub lists ${thousands(file.size)}; ` +
          "downloading it again\n",
      );
    }
    const total = missing.reduce((sum, { size }) => sum + size, 0);
    await this.#checkSpace(missing, total);
    const bar = new DownloadBar(io, total);
    if (total > 0) io.err(`downloading ${this.#text}, ${bytes(total)}, to ${snapshot}\n`);
    try {
      for (const file of files) {
        if (missing.includes(file)) {
          await download(file, {
            target: cache.blob(file),
            body: (begin) => this.#server.body(file, commit, begin),
            progress: (name, done) => bar.update(name, done),
          });
        } else {
          await removeAbandoned(cache.blob(file));
        }
        await cache.link(file, commit);
      }
    } finally {
      bar.stop();
    }
  }

  /** @throws Error when the disk has no room for what is to come */
  async #checkSpace(missing: readonly HubFile[], total: number): Promise<void> {
    let needed = total;
    for (const file of missing) needed -= await abandonedBytes(this.cache.blob(file));
    const { bavail, bsize } = await statfs(this.cache.blobs);
    if (needed <= bavail * bsize) return;
    throw new Error(
      `${this.#text}: ${bytes(needed)} are still to come, and the disk of ${this.cache.blobs} has ` +
        `${bytes(bavail * bsize)} free. Free some space, or name a folder on another disk: HF_HUB_CACHE`,
    );
  }

  get #text(): string {
    return showReference(this.reference);
  }
}

function noWeights(where: string, files: readonly string[]): Error {
  return new Error(
    `${where} has no ${WEIGHTS} and no ${INDEX}; its files are ${files.slice(0, 20).join(", ")}` +
      `${files.length > 20 ? ", …" : ""}. Only safetensors are read: save the model with them, and give its folder`,
  );
}
