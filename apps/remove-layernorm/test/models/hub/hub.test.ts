import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { thousands } from "../../../src/terminal/format.js";
import { COMMIT, fakeHub, type FakeHub } from "@normless/hub/testing";
import { hubFolder, type HubFolder, inspect, NAME, WEIGHTS } from "./hub-folder.js";

let test: HubFolder;
let folder: string;
let files: Record<string, Buffer>;
let hub: FakeHub;
let home: string;
beforeEach(async () => {
  test = await hubFolder();
  ({ folder, files, hub, home } = test);
});
afterEach(() => test.remove());

const blobOf = (path: string) => test.blobOf(path);
const bodies = (path: string) => hub.requests.filter((request) => request.includes(`/${path}`));

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
  expect(stopped.err).toContain(`${WEIGHTS}: the download broke off after 500 of ${thousands(length)} bytes`);
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

/** The name of a process that has ended. */
async function ended(): Promise<string> {
  const gone = spawn(process.execPath, ["-e", ""]);
  await once(gone, "exit");
  return `${gone.pid}@${hostname()}`;
}

it("goes on with the longest part that an ended process left, or begins anew where it is damaged", async () => {
  await inspect();
  const part = (number: number, owner: string) => `${blobOf(WEIGHTS)}.${number}.${owner}.incomplete`;
  const start = files[WEIGHTS].subarray(0, 700);
  const owner = await ended();
  for (const [left, asked] of [
    [start, [expect.stringContaining("bytes=700-")]],
    [Buffer.concat([files[WEIGHTS], start]), [expect.not.stringContaining("bytes=")]],
    [
      Buffer.from("not the beginning"),
      [expect.stringContaining("bytes=17-"), expect.not.stringContaining("bytes=")],
    ],
  ] as const) {
    await rm(blobOf(WEIGHTS));
    await writeFile(part(0, owner), left);
    await writeFile(part(1, owner), start.subarray(0, 5));
    hub.requests.length = 0;
    expect((await inspect()).code).toBe(0);
    expect(bodies(WEIGHTS)).toEqual(asked);
    expect(await readFile(blobOf(WEIGHTS))).toEqual(files[WEIGHTS]);
    expect((await readdir(join(home, "blobs"))).filter((name) => name.endsWith("incomplete"))).toEqual([]);
  }
});

it("removes what an ended process left of a file that another has brought since", async () => {
  await inspect();
  await writeFile(`${blobOf(WEIGHTS)}.0.${await ended()}.incomplete`, "a part");
  expect((await inspect()).err).toBe("");
  expect((await readdir(join(home, "blobs"))).filter((name) => name.endsWith("incomplete"))).toEqual([]);
});

it("leaves alone the parts of others: a living process's, another machine's, huggingface_hub's", async () => {
  await mkdir(join(home, "blobs"), { recursive: true });
  const names = [`0.${process.ppid}@${hostname()}.`, "0.1@elsewhere.", "1a2b3c4d.", ""];
  for (const name of names) await writeFile(`${blobOf(WEIGHTS)}.${name}incomplete`, "theirs");
  expect((await inspect()).code).toBe(0);
  expect(bodies(WEIGHTS)).toEqual([expect.not.stringContaining("bytes=")]);
  for (const name of names) {
    expect(await readFile(`${blobOf(WEIGHTS)}.${name}incomplete`, "utf8")).toBe("theirs");
  }
});

it("takes the cache without a network, and says what to do when it is empty", async () => {
  const { out } = await inspect();
  await hub.close();
  const offline = await inspect();
  expect(offline.code).toBe(0);
  expect(offline.out).toBe(out);
  expect(offline.err).toMatch(
    /cannot be reached \(.*ECONNREFUSED.*\); taking some-lab\/gpt2_tiny as it is in/,
  );
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
  expect((await inspect("gpt2-midium")).err).toMatch(
    /gpt2-midium: there is no such folder\. A model on the hub is owner\/name.* Did you mean "gpt2-medium"\?/,
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
