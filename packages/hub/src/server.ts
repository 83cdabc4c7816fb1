/**
 * The hub's server: which commit a revision is, which files it has, and their bodies. `@huggingface/hub` asks for the
 * first two. It has no way to go on in the middle of a file and to know whether the server does, so bodies are asked
 * for here. Everything that comes is bounded, since an address may be anybody's (HF_ENDPOINT).
 */
import type { ListFileEntry } from "@huggingface/hub";
import { show } from "@normless/text";
import { boundedFetch, silence, SilenceError, TooLongError } from "./bounds.js";
import { type HubFile, isHash } from "./cache.js";
import { HubError, HubRefusal, messageOf, NoSuchModelError } from "./errors.js";
import { isCommit, type Reference, showReference } from "./names.js";
import { thousands } from "./numbers.js";
import { accessToken } from "./token.js";

/** Of an answer that is JSON; a page of a thousand files has a third of a megabyte. */
const ANSWER = { bytes: 2 ** 24, whole: 60_000 };
/** Of a model's list; the hub advises against more than ten thousand files in a folder. */
const MOST_PAGES = 100;
const MOST_FILES = 100_000;

/** A part of a file, from some byte on. */
export interface Body {
  /** Where it begins: at 0 whatever was asked for, where a server sends whole files only. */
  readonly begin: number;
  readonly stream: ReadableStream<Uint8Array>;
}

/** The server cannot be reached, or is in trouble. */
export class ServerError extends HubError {}

/** The server, asked for one model. */
export class HubServer {
  readonly endpoint = (process.env["HF_ENDPOINT"] ?? "https://huggingface.co").replace(/\/+$/, "");

  constructor(readonly reference: Reference) {}

  /** The commit that the revision is at. @throws Error when the hub tells none, or as it answers */
  async commit(): Promise<string> {
    const { name, revision } = this.reference;
    if (isCommit(revision)) return revision;
    const { modelInfo } = await import("@huggingface/hub");
    const options = { name, revision, ...(await this.#hub()), additionalFields: ["sha" as const] };
    // Whatever JSON it is that came.
    const info: unknown = await this.#ask(() => modelInfo(options));
    const sha: unknown = isObject(info) ? info.sha : undefined;
    if (typeof sha === "string" && isCommit(sha)) return sha;
    throw new HubError(`${this.#text}: ${this.endpoint} tells no commit of it`);
  }

  /** The files of a commit, by their paths, but for those in folders. */
  async files(commit: string): Promise<ReadonlyMap<string, ListFileEntry>> {
    const { listFiles } = await import("@huggingface/hub");
    const repo = { type: "model", name: this.reference.name } as const;
    const tooMany = (what: string) =>
      new HubError(
        `${this.#text}: ${this.endpoint} lists more than ${what}, as no model has; the rest was not asked for`,
      );
    const hub = await this.#hub();
    let pages = 0;
    const fetch = (url: FetchTarget, init?: RequestInit) => {
      if (++pages > MOST_PAGES) throw tooMany(`${MOST_PAGES} pages of files`);
      return this.#fetch(url, init);
    };
    return this.#ask(async () => {
      const files = new Map<string, ListFileEntry>();
      let entries = 0;
      for await (const entry of listFiles({ ...hub, repo, revision: commit, fetch })) {
        if (++entries > MOST_FILES) throw tooMany(`${thousands(MOST_FILES)} files`);
        if (!isObject(entry)) throw new TypeError("a file of its list is no object");
        if (entry.type === "file" && typeof entry.path === "string") files.set(entry.path, entry);
      }
      return files;
    });
  }

  /** A file from byte `begin` on, and nothing beyond its size. @throws TooLongError, SilenceError, also as it is read */
  async body({ path, size }: HubFile, commit: string, begin: number): Promise<Body> {
    const url = `${this.endpoint}/${this.reference.name}/resolve/${commit}/${encodeURIComponent(path)}`;
    const headers: Record<string, string> = {
      ...(await this.#authorization()),
      // Packed bytes are no part of the file.
      "accept-encoding": "identity",
      ...(begin > 0 && { range: `bytes=${begin}-${size - 1}` }),
    };
    const bounds = { bytes: size, silence: silence() };
    const response = await this.#ask(() => boundedFetch(url, { headers }, bounds));
    const { status, statusText, body } = response;
    const [, from] = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "") ?? [];
    if (body && status === 200) return { begin: 0, stream: body };
    if (body && status === 206 && Number(from) === begin) return { begin, stream: body };
    await body?.cancel();
    if (status === 404) throw new HubRefusal(`${this.endpoint} lists ${path} and does not have it`);
    throw this.#refusal(status, `${url} is answered with ${status} ${statusText}`.trimEnd());
  }

  async #hub() {
    const token = await accessToken();
    const fetch = (url: FetchTarget, init?: RequestInit) => this.#fetch(url, init);
    return { hubUrl: this.endpoint, fetch, ...(token !== undefined && { accessToken: token }) };
  }

  async #authorization(): Promise<Record<string, string>> {
    const token = await accessToken();
    return token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  #fetch(url: FetchTarget, init: RequestInit | undefined): Promise<Response> {
    return boundedFetch(url, this.#forOrigin(url, init), { ...ANSWER, silence: silence() });
  }

  /**
   * The access token is for the hub's own origin: its list of files may go on at an address of anybody's. `fetch` itself
   * takes it away where it is redirected to another origin.
   */
  #forOrigin(url: FetchTarget, init: RequestInit | undefined): RequestInit | undefined {
    const address = new URL(url instanceof Request ? url.url : url);
    if (address.origin === new URL(this.endpoint).origin) return init;
    const headers = new Headers(init?.headers);
    headers.delete("authorization");
    return { ...init, headers };
  }

  get #text(): string {
    return showReference(this.reference);
  }

  /** @throws HubRefusal, ServerError, or an Error when the answer is none of a hub's */
  async #ask<X>(request: () => Promise<X>): Promise<X> {
    const { HubApiError, InvalidApiResponseFormatError } = await import("@huggingface/hub");
    try {
      return await request();
    } catch (cause) {
      const message = messageOf(cause);
      if (cause instanceof HubApiError) throw this.#refusal(cause.statusCode, message);
      // `fetch` throws a TypeError whose cause is the system's.
      if (cause instanceof TypeError && message.includes("fetch failed")) {
        throw new ServerError(messageOf(cause.cause ?? cause), { cause });
      }
      if (cause instanceof SilenceError) throw new ServerError(message, { cause });
      if (cause instanceof TooLongError) {
        throw new HubError(
          `${this.#text}: ${this.endpoint} answers with more than a hub's list of files has: ${message}`,
          { cause },
        );
      }
      if (
        cause instanceof SyntaxError ||
        cause instanceof TypeError ||
        cause instanceof InvalidApiResponseFormatError
      ) {
        throw new HubError(
          `${this.#text}: ${this.endpoint} answers as no hub does (${message}); check HF_ENDPOINT`,
          { cause },
        );
      }
      throw cause;
    }
  }

  #refusal(status: number, message: string): Error {
    const { name } = this.reference;
    const none = `${this.endpoint} has no such model`;
    const token =
      "set HF_TOKEN to a token of an account that may read it (https://huggingface.co/settings/tokens)";
    const lacking: Readonly<Record<number, string>> = {
      401: `${none} for everybody: check the name. If it is private or gated, ${token}`,
      404: `${none}, or not this revision of it: check the name`,
    };
    if (lacking[status] !== undefined) return new NoSuchModelError(this.#text, lacking[status]);
    const messages: Readonly<Record<number, string>> = {
      403: `${name} is gated: accept its conditions on ${this.endpoint}/${name}, and ${token}`,
      429: `${this.endpoint} refuses so many requests: wait a while, or ${token}`,
    };
    if (status >= 500) return new ServerError(message);
    return new HubRefusal(messages[status] ?? `${this.#text}: ${message}`);
  }
}

type FetchTarget = string | URL | Request;

/** What the hub lists of a file. @throws HubError when it cannot be checked by that */
export function hubFile(where: string, { path, size: listed, oid, lfs }: ListFileEntry): HubFile {
  const hash: unknown = lfs?.oid ?? oid;
  const size = lfs?.size ?? listed;
  if (typeof hash !== "string" || !isHash(hash)) {
    throw new HubError(`${where}: the hub tells no hash of ${path}, so that it cannot be checked`);
  }
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new HubError(`${where}: the hub says that ${path} has ${show(size)} bytes`);
  }
  return { path, size, hash, algorithm: hash.length === 64 ? "sha256" : "git" };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
