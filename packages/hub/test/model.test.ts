/** A model of the hub, as whoever uses the package sees it: events and errors. The command's tests have the rest. */
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  brokenFiles,
  HubModel,
  type HubEvent,
  HubRefusal,
  HubUnreachable,
  NoSuchModelError,
  NotCachedError,
  parseReference,
} from "@normless/hub";
import { COMMIT, fakeHub, type FakeHub } from "@normless/hub/testing";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

const NAME = "some-lab/tiny";
const files = {
  "config.json": Buffer.from("{}"),
  "model.safetensors": Buffer.alloc(3000, "w"),
  "vocab.json": Buffer.from(`{"a": 0}`),
  "merges.txt": Buffer.from("#version: 0.2"),
};

let cache: string;
let hub: FakeHub;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "normless-hub-"));
  hub = await fakeHub(NAME, files);
  vi.stubEnv("HF_ENDPOINT", hub.url);
  vi.stubEnv("HF_HUB_CACHE", cache);
  for (const name of ["HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_DOWNLOAD_TIMEOUT"]) vi.stubEnv(name, undefined);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await hub.close();
  await rm(cache, { recursive: true });
});

async function folderOf(text: string, part: "model" | "tokenizer" = "model") {
  const events: HubEvent[] = [];
  const reference = parseReference(text);
  if (!reference) throw new Error(`${text} is no name`);
  const model = await HubModel.of(reference, part, (event) => events.push(event));
  return { events, model, folder: await model.folder() };
}

it("tells of a download once, its size first and its end last", async () => {
  const { events, folder } = await folderOf(NAME);
  expect(folder).toBe(join(cache, "models--some-lab--tiny", "snapshots", COMMIT));
  const bytes = Object.values(files).reduce((sum, { length }) => sum + length, 0);
  expect(events[0]).toEqual({ type: "download", model: NAME, bytes, folder });
  expect(events.at(-1)).toEqual({ type: "end" });
  const between = events.slice(1, -1);
  expect(new Set(between.map(({ type }) => type))).toEqual(new Set(["progress"]));
  for (const [file, { length }] of Object.entries(files)) {
    expect(between).toContainEqual({ type: "progress", file, bytes: length });
  }
  expect((await folderOf(NAME)).events).toEqual([]);
});

it("tells the end of a download that fails, too", async () => {
  hub.corrupt.add("merges.txt");
  const events: HubEvent[] = [];
  const model = await HubModel.of({ name: NAME, asked: NAME, revision: "main" }, "model", (event) => {
    events.push(event);
  });
  await expect(model.folder()).rejects.toThrow("merges.txt: what came is not what the hub has");
  expect(events.at(-1)).toEqual({ type: "end" });
});

it("is its tokenizer alone where that is asked for", async () => {
  const { folder } = await folderOf(NAME, "tokenizer");
  expect((await readdir(folder)).sort()).toEqual(["merges.txt", "vocab.json"]);
});

it("is taken from the cache where the hub cannot be reached, which a note says", async () => {
  const { folder } = await folderOf(NAME);
  await hub.close();
  const { events, folder: again } = await folderOf(NAME);
  expect(again).toBe(folder);
  const [note, ...others] = events.map((event) => (event.type === "note" ? event.text : event.type));
  expect(note).toMatch(/ECONNREFUSED.*; taking some-lab\/tiny as it is in the cache$/);
  expect(others).toEqual([]);
});

it("is downloaded again where a file is broken, and that file alone", async () => {
  const { model, folder } = await folderOf(NAME);
  await writeFile(join(folder, "config.json"), "no");
  const broken = await brokenFiles(folder);
  expect(broken.map(({ file }) => file)).toEqual(["config.json"]);
  hub.requests.length = 0;
  await model.replace(folder, broken);
  expect(await brokenFiles(folder)).toEqual([]);
  expect(hub.requests.filter((request) => request.includes("/resolve/"))).toEqual([
    `/${NAME}/resolve/${COMMIT}/config.json`,
  ]);
});

it("throws by what can be done", async () => {
  const refusal = (text: string) =>
    folderOf(text).then(
      () => undefined,
      (error: unknown) => error,
    );
  const none = await refusal("some-lab/other");
  expect(none).toBeInstanceOf(NoSuchModelError);
  expect((none as NoSuchModelError).answer).toBe(
    `${hub.url} has no such model, or not this revision of it: check the name`,
  );
  hub.refuse = 403;
  const gated = await refusal(NAME);
  expect(gated).toBeInstanceOf(HubRefusal);
  expect(gated).not.toBeInstanceOf(NoSuchModelError);
  hub.refuse = 503;
  expect(await refusal(NAME)).toBeInstanceOf(HubUnreachable);
  vi.stubEnv("HF_HUB_OFFLINE", "1");
  expect(await refusal(NAME)).toBeInstanceOf(NotCachedError);
});
