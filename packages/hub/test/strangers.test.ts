/** A server that means no good, and names that no process gave itself. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HubError, HubModel, parseReference } from "@normless/hub";
import { answerJson, COMMIT, entryOf, fakeHub, type FakeHub } from "@normless/hub/testing";
import { processName, THIS_PROCESS } from "@normless/safetensors/node";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

const NAME = "some-lab/tiny";
const files = { "config.json": Buffer.from("{}"), "model.safetensors": Buffer.alloc(3000, "w") };
const TREE = `/api/models/${NAME}/tree/${COMMIT}`;
const INFO = `/api/models/${NAME}/revision/main`;

let cache: string;
let hub: FakeHub;
/** Another server, and what it was asked. */
let other: Server;
let heard: IncomingMessage[];
let url: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "normless-hub-"));
  hub = await fakeHub(NAME, files);
  heard = [];
  other = createServer((request, response) => {
    heard.push(request);
    if (request.url === "/weights") return response.end(files["model.safetensors"]);
    answerJson(
      response,
      Object.entries(files).map(([path, content]) => entryOf(path, content)),
    );
  });
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  vi.stubEnv("HF_ENDPOINT", hub.url);
  vi.stubEnv("HF_HUB_CACHE", cache);
  vi.stubEnv("HF_TOKEN", "hf_secret");
  for (const name of ["HF_HUB_OFFLINE", "HF_HUB_DOWNLOAD_TIMEOUT"]) vi.stubEnv(name, undefined);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await hub.close();
  other.close();
  other.closeAllConnections();
  await rm(cache, { recursive: true });
});

const folder = async () => (await HubModel.of(parseReference(NAME)!)).folder();

describe("the access token", () => {
  it("does not go where a list of files goes on on another server", async () => {
    let asked: string | undefined;
    hub.instead = (path, request, response) => {
      if (path !== TREE) return false;
      asked = request.headers.authorization;
      response.setHeader("link", `<${url}/more>; rel="next"`);
      answerJson(response, []);
      return true;
    };
    await folder();
    expect(asked).toBe("Bearer hf_secret");
    expect(heard.map(({ url, headers }) => [url, headers.authorization])).toEqual([["/more", undefined]]);
  });

  it("does not go where a request is redirected to, of a list or of a file", async () => {
    const lead: Readonly<Record<string, string>> = {
      [TREE]: "/list",
      [`/${NAME}/resolve/${COMMIT}/model.safetensors`]: "/weights",
    };
    hub.instead = (path, _request, response) => {
      if (lead[path] === undefined) return false;
      response.writeHead(302, { location: `${url}${lead[path]}` }).end();
      return true;
    };
    await folder();
    expect(heard.map(({ url, headers }) => [url, headers.authorization])).toEqual([
      ["/list", undefined],
      ["/weights", undefined],
    ]);
  });
});

describe("an answer that is no hub's", () => {
  const answers: readonly [string, string, unknown][] = [
    ["null for a model", INFO, null],
    ["a text for a model", INFO, "no"],
    ["a commit that is a list", INFO, { sha: ["0123456789abcdef0123456789abcdef01234567"] }],
    ["null for a list", TREE, null],
    ["null in a list", TREE, [null]],
    ["no hash", TREE, [{ type: "file", path: "config.json", size: 2, oid: 7 }]],
    [
      "a hash that is a list",
      TREE,
      [{ type: "file", path: "config.json", size: 2, lfs: { oid: [], size: 2 } }],
    ],
    ["a path that is none", TREE, [{ type: "file", path: 7, size: 2 }]],
  ];
  it.each(answers)("%s is an error that names the model", async (_, where, answer) => {
    hub.instead = (path, _request, response) => {
      if (path !== where) return false;
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(answer));
      return true;
    };
    const error = await folder().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(HubError);
    expect((error as HubError).message).toContain(NAME);
  });

  it("is shown without what a terminal obeys", async () => {
    hub.instead = (_path, _request, response) => {
      answerJson(response, { error: "\u001b]0;title\u0007\nnormless: all is well" }, 418);
      return true;
    };
    await expect(folder()).rejects.toThrow("\\u{1b}]0;title\\u{7}\\u{a}normless: all is well");
  });
});

it("a name that no process gave itself is none", () => {
  for (const name of ["412@%zz", "412@%", "412@%41", "0@dell", "-1@dell", "412@", "@dell", "412@a b"]) {
    expect(processName(name)).toBeUndefined();
  }
  expect(processName("412@a%20b")).toEqual({ pid: 412, host: "a b" });
  expect(processName(THIS_PROCESS)?.pid).toBe(process.pid);
});
