/** Data at addresses of servers that send without end, or nothing. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { joined, readTokens } from "@normless/data";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

let server: Server;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
beforeEach(async () => {
  server = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(() => {
  vi.unstubAllEnvs();
  server.close();
  server.closeAllConnections();
});

const url = (name: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}`;
const model = { vocabSize: 100 };
const refusal = (name: string) =>
  readTokens([url(name)], model).then(
    () => "none",
    (error: unknown) => (error as Error).message,
  );

/** Sends a piece again and again until the other side hangs up. */
function endless(response: ServerResponse, piece: string | Buffer): void {
  const more = () => {
    while (!response.destroyed && response.write(piece));
    if (!response.destroyed) response.once("drain", more);
  };
  more();
}

it.each([
  ["endless.jsonl", '{"tokens": [1, 2, 3]}\n'],
  ["endless.jsonl.gz", gzipSync('{"tokens": [1, 2, 3]}\n')],
])("%s is read as far as it is asked for", async (name, piece) => {
  const closed = new Promise((resolve) => {
    answer = (_request, response) => {
      response.on("close", resolve);
      endless(response.writeHead(200), piece);
    };
  });
  expect([...(await readTokens([url(name)], model, { tokens: 5 }))]).toEqual([1, 2, 3, 1, 2]);
  await closed;
});

it.each(["a.jsonl", "a.bin", "a.jsonl.bz2", "a.parquet"])(
  "%s of which nothing comes is given up",
  async (name) => {
    vi.stubEnv("HF_HUB_DOWNLOAD_TIMEOUT", "0.1");
    answer = () => undefined;
    expect(await refusal(name)).toMatch(
      /^http:.*: cannot be reached: nothing came for 0\.1 seconds; to wait for longer, set HF_HUB_DOWNLOAD_TIMEOUT/,
    );
    answer = ({ method }, response) => {
      response.writeHead(200, { "content-length": 1000 });
      if (method === "HEAD") response.end();
      else response.write('{"tokens"');
    };
    expect(await refusal(name)).toMatch(/: nothing came for 0\.1 seconds/);
  },
);

it("a part of a parquet file is no longer than was asked for", async () => {
  const file = Buffer.from(
    parquetWriteBuffer({ columnData: [{ name: "n", data: Array.from({ length: 1000 }, (_, i) => i) }] }),
  );
  answer = ({ method, headers }, response) => {
    const [, begin, end] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "") ?? [];
    if (method === "HEAD") return response.writeHead(200, { "content-length": file.length }).end();
    response.writeHead(206, { "content-range": `bytes ${begin}-${end}/${file.length}` });
    return endless(response, file);
  };
  expect(await refusal("long.parquet")).toMatch(/long\.parquet: more came than [\d,]+ bytes/);
});

it("what is read at once has a bound", async () => {
  const chunks = async function* () {
    for (let i = 0; i < 3; i++) yield await Promise.resolve(Uint8Array.of(i, i));
  };
  expect([...(await joined(chunks(), 6))]).toEqual([0, 0, 1, 1, 2, 2]);
  await expect(joined(chunks(), 5)).rejects.toThrow(
    "has more than 5 bytes, and is read at once: give it unpacked",
  );
});
