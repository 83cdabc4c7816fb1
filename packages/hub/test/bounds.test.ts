/** Bounds on what a server sends. */
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, it } from "vitest";
import { boundedFetch, SilenceError, TooLongError } from "../src/bounds.js";

let server: Server;
let url: string;
let answer: (response: ServerResponse) => void;
beforeEach(async () => {
  server = createServer((_request, response) => answer(response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
});

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

it("gives what fetch gives, within its bounds", async () => {
  answer = (response) => response.writeHead(201, "Made", { "x-some": "thing" }).end("four");
  const response = await boundedFetch(url, undefined, { bytes: 4, silence: 10_000, whole: 10_000 });
  expect([response.status, response.statusText, response.url]).toEqual([201, "Made", url]);
  expect(response.headers.get("x-some")).toBe("thing");
  expect(await response.text()).toBe("four");
  answer = (response) => response.writeHead(204).end();
  expect((await boundedFetch(url, { method: "HEAD" }, { silence: 10_000 })).body).toBeNull();
});

it("ends a body at its bound, also one that was small before it was unpacked", async () => {
  answer = (response) =>
    response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(Buffer.alloc(100_000)));
  const response = await boundedFetch(url, undefined, { bytes: 99_999, silence: 10_000 });
  await expect(response.arrayBuffer()).rejects.toThrow(TooLongError);
  const whole = await boundedFetch(url, undefined, { bytes: 100_000, silence: 10_000 });
  expect((await whole.arrayBuffer()).byteLength).toBe(100_000);
});

it("ends an answer that trickles for longer than the whole may take", async () => {
  answer = (response) => {
    const timer = setInterval(() => response.write("."), 10);
    response.on("close", () => clearInterval(timer));
  };
  const response = await boundedFetch(url, undefined, { silence: 10_000, whole: 200 });
  await expect(response.text()).rejects.toThrow("the answer takes longer than 0.2 seconds");
});

it("ends an answer of which nothing comes, but waits for its own reader", async () => {
  answer = () => undefined;
  await expect(boundedFetch(url, undefined, { silence: 50 })).rejects.toThrow(SilenceError);
  answer = (response) => response.writeHead(200).write("a");
  const silent = await boundedFetch(url, undefined, { silence: 100 });
  await expect(silent.text()).rejects.toThrow("nothing came for 0.1 seconds");
  answer = (response) => response.writeHead(200).end(Buffer.alloc(2 ** 20));
  const response = await boundedFetch(url, undefined, { silence: 100 });
  let count = 0;
  await pause(250);
  for await (const chunk of response.body ?? []) {
    if (count === 0) await pause(250);
    count += (chunk as Uint8Array).byteLength;
  }
  expect(count).toBe(2 ** 20);
});

it("hangs up when its body is not wanted, read or not, and when its caller says so", async () => {
  for (const read of [false, true]) {
    const closed = new Promise((resolve) => {
      answer = (response) => {
        response.on("close", resolve);
        response.writeHead(200).write("some");
      };
    });
    const response = await boundedFetch(url, undefined, { silence: 10_000 });
    const reader = response.body?.getReader();
    if (read) await reader?.read();
    await reader?.cancel();
    await closed;
  }
  const caller = new AbortController();
  answer = () => caller.abort(new Error("not any more"));
  await expect(boundedFetch(url, { signal: caller.signal }, { silence: 10_000 })).rejects.toThrow(
    "not any more",
  );
});
