/** A model of the hub in the cache: what is there is taken, what is missing is downloaded, and what came is checked. */
import { readFile, statfs } from "node:fs/promises";
import { basename, join } from "node:path";
import type { ListFileEntry } from "@huggingface/hub";
import { makeFolder } from "@normless/safetensors/node";
import { TOKENIZER_FILES } from "@normless/text";
import { type BrokenFile, CachedModel, CONFIG, type HubFile, INDEX, shardsOf, WEIGHTS } from "./cache.js";
import { abandonedBytes, download, removeAbandoned } from "./download.js";
import { HubError, HubUnreachable, messageOf, NotCachedError } from "./errors.js";
import { isCommit, type Reference, showReference } from "./names.js";
import { bytes, thousands } from "./numbers.js";
import { HubServer, hubFile, ServerError } from "./server.js";
import { isSet } from "./token.js";

/** Whether nobody is to be asked (HF_HUB_OFFLINE, or TRANSFORMERS_OFFLINE). */
export function isOffline(): boolean {
  return isSet("HF_HUB_OFFLINE") || isSet("TRANSFORMERS_OFFLINE");
}

/** A snapshot that files go into, and the hashes of those that are there and broken. */
interface Wanted {
  readonly cache: CachedModel;
  readonly commit: string;
  readonly broken: ReadonlySet<string>;
}

/** What is wanted of a model's files. */
export type HubPart = "model" | "tokenizer";

/** What a model tells of itself while it is brought. A `download` is followed by its progress, and ended by an `end`. */
export type HubEvent =
  /** What was done that nobody asked for, such as taking what the cache has where the hub cannot be reached. */
  | { readonly type: "note"; readonly text: string }
  /** So many bytes of files are to come, into a snapshot's folder. */
  | { readonly type: "download"; readonly model: string; readonly bytes: number; readonly folder: string }
  /** So many bytes of a file are there. */
  | { readonly type: "progress"; readonly file: string; readonly bytes: number }
  /** Whether all of it came or not. */
  | { readonly type: "end" };

/** Hears what a model tells. */
export type Hear = (event: HubEvent) => void;

/** A model of the hub, or its tokenizer alone. */
export class HubModel {
  readonly #server: HubServer;

  private constructor(
    readonly reference: Reference,
    readonly part: HubPart,
    readonly hear: Hear,
    /** By each name that the model has: huggingface_hub may have been asked for any of them. */
    readonly caches: readonly CachedModel[],
  ) {
    this.#server = new HubServer(reference);
  }

  /** Asks nobody yet. */
  static async of(reference: Reference, part: HubPart = "model", hear: Hear = () => {}): Promise<HubModel> {
    return new HubModel(reference, part, hear, await CachedModel.of(reference));
  }

  /**
   * The folder of a snapshot with all that is wanted, downloaded where the cache (HF_HUB_CACHE, or HF_HOME) does not
   * have it. The hub (HF_ENDPOINT) is asked what the revision is; where it cannot be reached, the cache's is taken.
   * @throws NotCachedError, HubUnreachable where there is nothing to take; NoSuchModelError, HubRefusal where the hub
   * does not give it; Error where what comes is not what the hub says, or has no room on the disk
   */
  async folder(): Promise<string> {
    const { caches, reference } = this;
    const cached = await this.#cached();
    if (cached !== undefined) {
      // A commit never changes; but huggingface_hub may have been asked for a part of it alone.
      const isWhole = isCommit(reference.revision) && (await cached.cache.hasTokenizer(cached.commit));
      if (isWhole || isOffline()) return cached.cache.snapshot(cached.commit);
    }
    if (isOffline()) {
      const where = caches.map(({ folder }) => folder).join(" or ");
      throw new NotCachedError(`${this.#text} is not in the cache (${where}), and HF_HUB_OFFLINE is set`);
    }
    try {
      const commit = await this.#server.commit();
      return await this.#download(commit, (await this.#cached(commit))?.cache ?? caches[0]);
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      const answer = this.#unreachable(error);
      if (cached === undefined) throw new HubUnreachable(this.#text, answer, { cause: error });
      this.#note(`${answer}; taking ${this.#text} as it is in the cache`);
      return cached.cache.snapshot(cached.commit);
    }
  }

  /** The first cache that has what is wanted, of a commit or of the one that each has the revision at. */
  async #cached(
    asked?: string,
  ): Promise<{ readonly cache: CachedModel; readonly commit: string } | undefined> {
    for (const cache of this.caches) {
      const commit = asked ?? (await cache.commitOf(this.reference.revision));
      if (commit === undefined) continue;
      const has = this.part === "model" ? cache.hasModel(commit) : cache.hasTokenizer(commit);
      if (await has) return { cache, commit };
    }
    return undefined;
  }

  /** Downloads files of a snapshot once more. @throws HubRefusal, or another Error saying why they do not come */
  async replace(snapshot: string, broken: readonly BrokenFile[]): Promise<void> {
    const commit = basename(snapshot);
    const cache = this.caches.find((one) => one.snapshot(commit) === snapshot) ?? this.caches[0];
    await this.#download(commit, cache, new Set(broken.map(({ hash }) => hash))).catch((cause: unknown) => {
      if (!(cause instanceof ServerError)) throw cause;
      throw new HubUnreachable(this.#text, this.#unreachable(cause), { cause });
    });
  }

  /** Downloads what a cache does not have yet, or has `broken`. */
  async #download(
    commit: string,
    cache: CachedModel,
    broken: ReadonlySet<string> = new Set(),
  ): Promise<string> {
    const { revision } = this.reference;
    const snapshot = cache.snapshot(commit);
    const there = await this.#server.files(commit);
    const get = (names: readonly string[]) =>
      this.#fetch(this.#listed(there, names), { cache, commit, broken });
    if (this.part === "tokenizer") {
      // Without the config, which would say that the model is there, too.
      await get(TOKENIZER_FILES);
      await cache.keepCommit(revision, commit);
      return snapshot;
    }
    let weights = [WEIGHTS];
    if (!there.has(WEIGHTS)) {
      if (!there.has(INDEX)) throw noWeights(this.#text, [...there.keys()]);
      await get([INDEX]);
      const path = join(snapshot, INDEX);
      weights = shardsOf(await readFile(path, "utf8"), path);
    }
    // The config last: a snapshot that has one is whole.
    await get([...TOKENIZER_FILES, ...weights, CONFIG]);
    await cache.keepCommit(revision, commit);
    return snapshot;
  }

  #listed(there: ReadonlyMap<string, ListFileEntry>, names: readonly string[]): HubFile[] {
    return names.flatMap((name) => {
      const entry = there.get(name);
      return entry ? [hubFile(this.#text, entry)] : [];
    });
  }

  /** Files into the cache, where they are by their hash, and links to them into the snapshot. */
  async #fetch(files: readonly HubFile[], { cache, commit, broken }: Wanted): Promise<void> {
    const snapshot = cache.snapshot(commit);
    await makeFolder(cache.blobs);
    await makeFolder(snapshot);
    const missing: HubFile[] = [];
    for (const file of files) {
      const size = await cache.sizeOf(file, commit);
      if (size === file.size && !broken.has(file.hash)) continue;
      missing.push(file);
      if (size === undefined || size === file.size) continue;
      this.#note(
        `${file.path} has ${thousands(size)} bytes in the cache, and the hub lists ${thousands(file.size)}; ` +
          "downloading it again",
      );
    }
    const total = missing.reduce((sum, { size }) => sum + size, 0);
    await this.#checkSpace(cache, missing, total);
    if (total > 0) this.hear({ type: "download", model: this.#text, bytes: total, folder: snapshot });
    try {
      for (const file of files) {
        if (missing.includes(file)) {
          await download(file, {
            target: cache.blob(file),
            body: (begin) => this.#server.body(file, commit, begin),
            progress: (path, done) => this.hear({ type: "progress", file: path, bytes: done }),
          });
        } else {
          await removeAbandoned(cache.blob(file));
        }
        await cache.link(file, commit);
      }
    } finally {
      if (total > 0) this.hear({ type: "end" });
    }
  }

  /** @throws Error when the disk has no room for what is to come */
  async #checkSpace(cache: CachedModel, missing: readonly HubFile[], total: number): Promise<void> {
    let needed = total;
    for (const file of missing) needed -= await abandonedBytes(cache.blob(file));
    const { bavail, bsize } = await statfs(cache.blobs);
    if (needed <= bavail * bsize) return;
    throw new HubError(
      `${this.#text}: ${bytes(needed)} are still to come, and the disk of ${cache.blobs} has ` +
        `${bytes(bavail * bsize)} free. Free some space, or name a folder on another disk: HF_HUB_CACHE`,
    );
  }

  #unreachable(error: ServerError): string {
    return `${this.#server.endpoint} cannot be reached (${messageOf(error)})`;
  }

  #note(text: string): void {
    this.hear({ type: "note", text });
  }

  get #text(): string {
    return showReference(this.reference);
  }
}

function noWeights(where: string, files: readonly string[]): HubError {
  return new HubError(
    `${where} has no ${WEIGHTS} and no ${INDEX}; its files are ${files.slice(0, 20).join(", ")}` +
      `${files.length > 20 ? ", …" : ""}. Only safetensors are read: save the model with them, and give its folder`,
  );
}
