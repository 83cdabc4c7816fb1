/** Data at addresses, bounded in what comes and in how long nothing does. */
import { Readable } from "node:stream";
import { type Bounds, boundedFetch, silence } from "@normless/hub";
import { messageOf } from "../errors.js";

/** Bytes that are held in memory at once: a file of bzip2, a part of one of parquet. */
export const MOST_HELD = 2 ** 32 - 1;

/** A server that cannot be reached, or does not give the file. */
export class ServerError extends Error {}

/** `fetch`, of what is held in memory at once. @throws ServerError, BoundsError */
export function fetchData(url: string | URL | Request, init?: RequestInit): Promise<Response> {
  const [, begin, end] = /^bytes=(\d+)-(\d+)$/.exec(new Headers(init?.headers).get("range") ?? "") ?? [];
  const asked = Number(end) - Number(begin) + 1;
  return fetchBounded(url, init, ({ status }) => (status === 206 && asked > 0 ? asked : MOST_HELD));
}

async function fetchBounded(
  url: string | URL | Request,
  init: RequestInit | undefined,
  bytes: Bounds["bytes"],
): Promise<Response> {
  const response = await boundedFetch(url, init, { bytes, silence: silence() }).catch((cause: unknown) => {
    const why = cause instanceof Error ? (cause.cause ?? cause) : cause;
    throw new ServerError(`cannot be reached: ${messageOf(why)}`, { cause });
  });
  // A signed address may be there for GET alone.
  if (response.ok || (init?.method === "HEAD" && response.status === 403)) return response;
  await response.body?.cancel();
  throw new ServerError(`the server answers ${response.status} ${response.statusText}`.trimEnd());
}

/** What is at an address, as much as somebody reads of it. @throws ServerError, BoundsError, also as it is read */
export async function download(url: string): Promise<Readable> {
  const { body } = await fetchBounded(url, undefined, undefined);
  if (!body) throw new ServerError("the server answers with nothing");
  return Readable.fromWeb(body);
}
