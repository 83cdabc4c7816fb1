/** A server on loopback that speaks what `@huggingface/hub` asks for, with the failures that a network has. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A hub with one model, and what was asked of it. */
export interface FakeHub {
  readonly url: string;
  /** Paths that were asked for, with their ranges. */
  readonly requests: string[];
  /** A file's bodies that end after so many bytes, with the connection. */
  readonly breaks: Map<string, number[]>;
  /** Files whose first byte is wrong. */
  readonly corrupt: Set<string>;
  /** Answers everything with this status. */
  refuse: number | undefined;
  /** Answers what it wants to, by path, in the hub's place; whether it did. */
  instead: ((path: string, request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  close(): Promise<void>;
}

/** The one commit that its model has. */
export const COMMIT = "0123456789abcdef0123456789abcdef01234567";

/**
 * A model `owner/name` with these files at revision `main` and `COMMIT`; files of 1 kB and more are in LFS. A name
 * without its owner is redirected, as the hub does with those of old.
 */
export async function fakeHub(name: string, files: Readonly<Record<string, Buffer>>): Promise<FakeHub> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "", "http://localhost");
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    hub.requests.push(range ? `${pathname} ${range[0]}` : pathname);
    const json = (status: number, value: object) => answerJson(response, value, status);
    if (hub.instead?.(pathname, request, response)) return;
    const [, short = name] = name.split("/");
    const old = new RegExp(`^(/api/models)?/${short}(?=/)`);
    if (old.test(pathname)) {
      const location = pathname.replace(old, (_, api: string | undefined) => `${api ?? ""}/${name}`);
      return response.writeHead(307, { location }).end();
    }
    if (hub.refuse !== undefined) return json(hub.refuse, { error: "refused" });
    const api = `/api/models/${name}`;
    if (pathname === `${api}/revision/main` || pathname === `${api}/revision/${COMMIT}`) {
      return json(200, { _id: "1", id: name, sha: COMMIT, lastModified: "2026-01-01T00:00:00Z" });
    }
    if (pathname === `${api}/tree/${COMMIT}`) {
      return json(
        200,
        Object.entries(files).map(([path, content]) => entryOf(path, content)),
      );
    }
    const path = pathname.slice(`/${name}/resolve/${COMMIT}/`.length);
    if (!pathname.startsWith(`/${name}/resolve/${COMMIT}/`) || !(path in files)) {
      return json(404, { error: "Repository not found" });
    }
    const whole = Buffer.from(files[path]);
    if (hub.corrupt.has(path)) whole[0] ^= 1;
    const begin = Number(range?.[1] ?? 0);
    const end = Math.min(Number(range?.[2] ?? whole.length - 1), whole.length - 1) + 1;
    response.writeHead(range ? 206 : 200, {
      etag: `"${entryOf(path, whole).oid}"`,
      "content-length": end - begin,
      ...(range && { "content-range": `bytes ${begin}-${end - 1}/${whole.length}` }),
    });
    const cut = hub.breaks.get(path)?.shift();
    if (cut === undefined) return response.end(whole.subarray(begin, end));
    response.write(whole.subarray(begin, begin + cut), () => setTimeout(() => response.destroy(), 20));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const hub: FakeHub = {
    url: `http://127.0.0.1:${port}`,
    requests: [],
    breaks: new Map(),
    corrupt: new Set(),
    refuse: undefined,
    instead: undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return hub;
}

/** Answers as the hub does. */
export function answerJson(response: ServerResponse, value: object, status = 200): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}

/** A file as the hub lists it. */
export function entryOf(path: string, content: Buffer) {
  const git = (bytes: Buffer) =>
    createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
  const entry = { type: "file", path, size: content.length, oid: git(content) };
  if (content.length < 1000) return entry;
  const oid = createHash("sha256").update(content).digest("hex");
  return { ...entry, oid: git(Buffer.from(oid)), lfs: { oid, size: content.length, pointerSize: 134 } };
}
