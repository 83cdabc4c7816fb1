/**
 * A hub's answers: whatever a server sends, a model is whole in the cache or there is an error, and nothing is written beside
 * the cache. The bytes are answers one after the other: a byte for the status, one of flags, two for the length, the body.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brokenFiles, HubError, HubModel } from "@normless/hub";
import { COMMIT, entryOf } from "@normless/hub/testing";
import { SafetensorsError } from "@normless/safetensors";
import { THIS_PROCESS } from "@normless/safetensors/node";
import { temporaryFolder } from "../temporary-file.js";
import type { Target } from "../target.js";

const STATUSES = [200, 206, 201, 304, 401, 403, 404, 429, 500, 503];
const JSON_TYPE = 1;
/** The body begins with an address, up to a line's end, where the list of files goes on. */
const LINK = 2;
const RANGE = 4;
const BREAKS = 8;

const ENDPOINT = "http://hub.test";
const OTHER = "http://other.test";

interface Answer {
  readonly status?: number;
  readonly flags?: number;
  readonly body: string | Uint8Array;
}

/** What is asked for, in the first byte: the tokenizer alone, the same once more without a network, what a killed process left. */
const TOKENIZER = 1;
const AGAIN = 2;
const LEFT = 4;

function asking(way: number, ...all: readonly Answer[]): Uint8Array {
  const parts = all.map(({ status = 200, flags = JSON_TYPE, body }) => {
    const bytes = Buffer.from(body);
    return Buffer.concat([
      Buffer.of(STATUSES.indexOf(status), flags, bytes.length >> 8, bytes.length & 255),
      bytes,
    ]);
  });
  return new Uint8Array(Buffer.concat([Buffer.of(way), ...parts]));
}

const answers = (...all: readonly Answer[]) => asking(AGAIN, ...all);

/** Answers requests by the bytes, in their order. */
function fetchOf(bytes: Uint8Array): typeof fetch {
  let at = 1;
  return (input, init) => {
    const request = new Request(input, init);
    const { origin } = new URL(request.url);
    if (origin !== ENDPOINT && request.headers.has("authorization")) {
      throw new Error(`the access token went to ${origin}`);
    }
    if (at >= bytes.length)
      return Promise.reject(new TypeError("fetch failed", { cause: new Error("no network") }));
    const [status, flags, high, low] = bytes.subarray(at, at + 4);
    let body = bytes.subarray(at + 4, at + 4 + 256 * (high ?? 0) + (low ?? 0));
    at += 4 + body.length;
    const headers = new Headers();
    if (flags & JSON_TYPE) headers.set("content-type", "application/json");
    if (flags & RANGE)
      headers.set("content-range", request.headers.get("range")?.replace("=", " ") ?? "bytes 0-");
    if (flags & LINK) {
      const end = body.indexOf(10);
      const link = Buffer.from(body.subarray(0, Math.max(0, end))).toString("latin1");
      if (/^[\x21-\x7e]+$/.test(link)) headers.set("link", `<${link}>; rel="next"`);
      body = body.subarray(end + 1);
    }
    const code = STATUSES[status % STATUSES.length];
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        if (body.length > 0) controller.enqueue(body);
        if (flags & BREAKS) controller.error(new TypeError("terminated"));
        else controller.close();
      },
    });
    return Promise.resolve(new Response(code === 304 ? null : stream, { status: code, headers }));
  };
}

const root = temporaryFolder();
const CACHE = "cache";
const realFetch = globalThis.fetch;

const config = Buffer.from("{}");
const weights = Buffer.alloc(20, "w");
const index = Buffer.from('{"weight_map":{"a":"model-00001-of-00001.safetensors"}}');
const info: Answer = { body: JSON.stringify({ _id: "1", id: "some-lab/tiny", sha: COMMIT }) };
const list = (files: Readonly<Record<string, Buffer>>) =>
  JSON.stringify(Object.entries(files).map(([path, content]) => entryOf(path, content)));

const hashOf = (content: Buffer) => entryOf("a", content).oid;

/** The first bytes of the weights, as a process left them that is no more. */
function leavePart(): void {
  const blobs = join(root, CACHE, "models--some-lab--tiny", "blobs");
  mkdirSync(blobs, { recursive: true });
  const owner = THIS_PROCESS.replace(/^\d+/, "2147483646");
  writeFileSync(join(blobs, `${hashOf(weights)}.0.${owner}.incomplete`), weights.subarray(0, 5));
}

export const target: Target = {
  seeds: () => {
    const files = { "config.json": config, "model.safetensors": weights };
    const shards = {
      "config.json": config,
      "model.safetensors.index.json": index,
      "model-00001-of-00001.safetensors": weights,
    };
    return Promise.resolve([
      answers(info, { body: list(files) }, { body: weights }, { body: config }),
      answers(info, { body: list(shards) }, { body: index }, { body: weights }, { body: config }),
      answers(
        info,
        { body: list(files) },
        { body: weights.subarray(0, 5), flags: BREAKS },
        { status: 206, body: weights.subarray(5), flags: RANGE },
        { body: config },
      ),
      answers(
        info,
        { flags: JSON_TYPE | LINK, body: `${OTHER}/api\n[]` },
        { body: list(files) },
        { body: weights },
      ),
      answers(info, { body: list({ "pytorch_model.bin": weights }) }),
      answers(info, { body: list(files) }, { body: "too long for it, by far" }),
      answers(info, {
        body: '[null,{"type":"file","path":"config.json","size":"2","oid":null,"lfs":{"oid":7}}]',
      }),
      answers({ body: "null" }),
      answers({ body: '{"sha":7}' }),
      asking(
        TOKENIZER,
        info,
        { body: list({ "vocab.json": config, "merges.txt": config }) },
        { body: config },
        { body: config },
      ),
      asking(
        LEFT | AGAIN,
        info,
        { body: list(files) },
        { status: 206, body: weights.subarray(5), flags: RANGE },
        { body: config },
      ),
      asking(
        LEFT,
        info,
        { body: list(files) },
        { status: 206, body: "wrong bytes that are", flags: RANGE },
        { body: weights },
      ),
      answers(info, { body: list(files) }, { status: 404, body: "" }),
      answers(
        info,
        { body: list(files) },
        { status: 503, body: "" },
        { status: 503, body: "" },
        { status: 503, body: "" },
      ),
      answers(info, { body: list(files) }, { body: Buffer.alloc(20, "v") }),
      answers({ status: 401, body: '{"error":"\\u001b[31mno"}' }),
      answers({ status: 403, body: '{"error":null}' }),
      answers({ status: 404, body: "no", flags: 0 }),
      answers({ status: 429, body: "{}" }),
      answers({ status: 503, body: "{" }),
    ]);
  },
  async read(bytes) {
    process.env["HF_ENDPOINT"] = ENDPOINT;
    process.env["HF_TOKEN"] = "hf_secret";
    process.env["HF_HUB_CACHE"] = join(root, CACHE);
    delete process.env["HF_HUB_OFFLINE"];
    globalThis.fetch = fetchOf(bytes);
    try {
      const way = bytes[0] ?? 0;
      const reference = { name: "some-lab/tiny", asked: "some-lab/tiny", revision: "main" };
      if (way & LEFT) leavePart();
      const model = await HubModel.of(reference, way & TOKENIZER ? "tokenizer" : "model");
      const folder = await model.folder();
      if ((await brokenFiles(folder)).length > 0)
        throw new Error("what is in the cache is not what it should be");
      if (!(way & AGAIN)) return folder;
      process.env["HF_HUB_OFFLINE"] = "1";
      if ((await model.folder()) !== folder) throw new Error("without a network another folder is taken");
      delete process.env["HF_HUB_OFFLINE"];
      return await model.replace(folder, [
        { file: "config.json", blob: "", hash: hashOf(config), found: "" },
      ]);
    } finally {
      globalThis.fetch = realFetch;
      const beside = readdirSync(root).filter((name) => name !== CACHE);
      rmSync(join(root, CACHE), { recursive: true, force: true });
      if (beside.length > 0) throw new Error(`${beside.join()} was written beside the cache`);
    }
  },
  errors: [HubError, SafetensorsError],
  names:
    /hub\.test|some-lab\/tiny|^(model|config|vocab|merges|tokenizer|added_tokens|special_tokens)[\w.-]*: |model\.safetensors\.index\.json/,
  library: true,
  reader: ["cache", "download", "errors", "model", "server"].map((file) => `packages/hub/src/${file}.ts`),
};
