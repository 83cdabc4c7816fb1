import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { COMMIT, entryOf, type FakeHub, fakeHub } from "./fake-hub.js";
import { run, writeTiny } from "./tiny.js";

const NAME = "some-lab/gpt2_tiny";
const WEIGHTS = "model.safetensors";
let folder: string;
let files: Record<string, Buffer>;
let hub: FakeHub;
let home: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-hub-"));
  const { model } = await writeTiny(folder);
  files = { "pytorch_model.bin": Buffer.from("never asked for"), "README.md": Buffer.from("nor this") };
  for (const name of ["config.json", WEIGHTS, "vocab.json", "merges.txt"]) {
    files[name] = await readFile(join(model, name));
  }
  hub = await fakeHub(NAME, files);
  vi.stubEnv("HF_ENDPOINT", hub.url);
  vi.stubEnv("HF_HUB_CACHE", join(folder, "cache"));
  vi.stubEnv("HF_TOKEN", undefined);
  vi.stubEnv("HF_HUB_OFFLINE", undefined);
  home = join(folder, "cache", "models--some-lab--gpt2_tiny");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await hub.close();
  await rm(folder, { recursive: true });
});

const inspect = (model = NAME) => run(["inspect", "--model", model, "--threads", "1"]);
const blobOf = (path: string) => {
  const { oid, lfs } = { lfs: undefined, ...entryOf(path, files[path]) };
  return join(home, "blobs", lfs?.oid ?? oid);
};
const bodies = (path: string) =>
  hub.requests.filter((request) => request.includes(`/${path}`) && !request.endsWith("bytes=0-0"));

it("downloads what a model needs, once, and links it as Python's cache does", async () => {
  const { code, out, err } = await inspect();
  expect(err).toContain(`downloading ${NAME}, `);
  expect(code).toBe(0);
  expect(out).toContain("Of 7 norms 7 are LayerNorms");
  const snapshot = join(home, "snapshots", COMMIT);
  expect((await readdir(snapshot)).sort()).toEqual(["config.json", "merges.txt", WEIGHTS, "vocab.json"]);
  expect(await readFile(join(snapshot, WEIGHTS))).toEqual(files[WEIGHTS]);
  expect(await readFile(blobOf(WEIGHTS))).toEqual(files[WEIGHTS]);
  expect(await readFile(join(home, "refs", "main"), "utf8")).toBe(COMMIT);

  hub.requests.length = 0;
  const again = await inspect();
  expect(again.err).toBe("");
  expect(again.out).toBe(out);
  expect(hub.requests.filter((request) => request.includes("/resolve/"))).toEqual([]);
});

it("asks nobody for a commit that the cache has, nor for a folder", async () => {
  await inspect();
  hub.requests.length = 0;
  expect((await inspect(`${NAME}@${COMMIT}`)).code).toBe(0);
  expect((await inspect(join(folder, "model"))).code).toBe(0);
  expect(hub.requests).toEqual([]);
});

it("goes on with a download that was interrupted, in this process and in the next", async () => {
  const { length } = files[WEIGHTS];
  hub.breaks.set(WEIGHTS, [500, 300]);
  expect((await inspect()).code).toBe(0);
  expect(bodies(WEIGHTS)).toEqual([
    expect.not.stringContaining("bytes="),
    expect.stringContaining(`bytes=500-${length - 1}`),
    expect.stringContaining(`bytes=800-${length - 1}`),
  ]);
  expect(await readFile(blobOf(WEIGHTS))).toEqual(files[WEIGHTS]);

  await rm(home, { recursive: true });
  hub.requests.length = 0;
  hub.breaks.set(WEIGHTS, [500, 0, 0, 0]);
  const stopped = await inspect();
  expect(stopped.code).toBe(1);
  expect(stopped.err).toContain(`${WEIGHTS}: the download broke off after 500 of ${length} bytes`);
  expect(stopped.err).toContain("Run the command again: it goes on from there");
  hub.requests.length = 0;
  expect((await inspect()).code).toBe(0);
  expect(bodies(WEIGHTS)).toEqual([expect.stringContaining(`bytes=500-${length - 1}`)]);
  expect(await readFile(blobOf(WEIGHTS))).toEqual(files[WEIGHTS]);
});

it.each([WEIGHTS, "merges.txt"])("refuses a corrupted %s, and keeps nothing of it", async (path) => {
  hub.corrupt.add(path);
  const { code, err } = await inspect();
  expect(code).toBe(1);
  expect(err).toMatch(
    new RegExp(
      `${path}: what came is not what the hub has \\(its (sha256|git) hash is [0-9a-f]+, not [0-9a-f]+\\)`,
    ),
  );
  expect(
    (await readdir(join(home, "blobs"))).filter((name) => blobOf(path).includes(name.slice(0, 40))),
  ).toEqual([]);
  hub.corrupt.clear();
  expect((await inspect()).code).toBe(0);
});

it("begins anew when what was there of an interrupted download is damaged", async () => {
  await inspect();
  await rm(join(home, "snapshots"), { recursive: true });
  await rm(blobOf(WEIGHTS));
  await writeFile(`${blobOf(WEIGHTS)}.incomplete`, "not the beginning");
  expect((await inspect()).code).toBe(0);
  expect(await readFile(blobOf(WEIGHTS))).toEqual(files[WEIGHTS]);
});

it("takes the cache without a network, and says what to do when it is empty", async () => {
  const { out } = await inspect();
  await hub.close();
  const offline = await inspect();
  expect(offline.code).toBe(0);
  expect(offline.out).toBe(out);
  expect(offline.err).toContain(`cannot be reached; taking ${NAME} as it is in the cache`);
  vi.stubEnv("HF_HUB_OFFLINE", "1");
  expect((await inspect()).err).toBe("");

  await rm(home, { recursive: true });
  const nowhere = await inspect();
  expect(nowhere.code).toBe(2);
  expect(nowhere.err).toContain(`${NAME} is not in the cache`);
  vi.stubEnv("HF_HUB_OFFLINE", undefined);
  const none = await inspect();
  expect(none.code).toBe(1);
  expect(none.err).toMatch(
    /there is no folder some-lab\/gpt2_tiny, and http:\S+ cannot be reached \(.*ECONNREFUSED.*\)\. Give a folder/,
  );
});

it("explains what the hub refuses, and what is no name", async () => {
  expect((await inspect("gpt2")).err).toMatch(
    /gpt2: there is no such folder\. A model on the hub is owner\/name/,
  );
  expect((await inspect(`${NAME}@../x`)).err).toContain("there is no such folder");
  expect((await inspect("some-lab/other")).err).toMatch(
    /there is no folder some-lab\/other, and http:\S+ has no such model, or not this revision of it/,
  );
  expect((await inspect(`${NAME}@v9`)).err).toContain("not this revision");
  hub.refuse = 401;
  expect((await inspect()).err).toContain("If it is private or gated, set HF_TOKEN");
  hub.refuse = 403;
  expect((await inspect()).err).toContain(`is gated: accept its conditions on ${hub.url}/${NAME}`);
  hub.refuse = 429;
  expect((await inspect()).err).toContain("wait a while");
});

it("wants safetensors, and reads shards by their index", async () => {
  const { [WEIGHTS]: weights, ...rest } = files;
  await hub.close();
  hub = await fakeHub(NAME, rest);
  vi.stubEnv("HF_ENDPOINT", hub.url);
  const without = await inspect();
  expect(without.code).toBe(1);
  expect(without.err).toContain(
    `${NAME} has no ${WEIGHTS} and no ${WEIGHTS}.index.json; its files are pytorch_model`,
  );

  const shard = "model-00001-of-00001.safetensors";
  const header = JSON.parse(weights.subarray(8, 8 + Number(weights.readBigUInt64LE(0))).toString()) as object;
  const names = Object.keys(header).filter((name) => name !== "__metadata__");
  const index = { weight_map: Object.fromEntries(names.map((name) => [name, shard])) };
  await hub.close();
  hub = await fakeHub(NAME, {
    ...rest,
    [shard]: weights,
    "model.safetensors.index.json": Buffer.from(JSON.stringify(index)),
  });
  vi.stubEnv("HF_ENDPOINT", hub.url);
  const sharded = await inspect();
  expect(sharded.err).not.toContain("normless:");
  expect(sharded.code).toBe(0);
});
