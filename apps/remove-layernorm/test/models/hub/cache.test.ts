/** What is in the cache already: held against its size, and against its hash where it cannot be read. */
import { lstat, mkdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { COMMIT, type FakeHub } from "@normless/hub/testing";
import { hubFolder, type HubFolder, inspect, NAME, WEIGHTS } from "./hub-folder.js";
import { run } from "../../support/tiny.js";

let test: HubFolder;
let hub: FakeHub;
let snapshot: string;
beforeEach(async () => {
  test = await hubFolder();
  ({ hub } = test);
  snapshot = join(test.home, "snapshots", COMMIT);
});
afterEach(() => test.remove());

const fetched = () => hub.requests.filter((request) => request.includes("/resolve/"));
/** Changes a byte in the middle of a file's header, or of its text. */
async function spoil(path: string): Promise<void> {
  const content = Buffer.from(test.files[path]);
  content[12] ^= 0x60;
  await writeFile(test.blobOf(path), content);
}

describe("a blob of another size than the hub lists", () => {
  it.each([
    [WEIGHTS, "too short", (blob: string) => truncate(blob, 1000)],
    [WEIGHTS, "too long", (blob: string) => writeFile(blob, "\0", { flag: "a" })],
    ["config.json", "empty", (blob: string) => truncate(blob, 0)],
  ])("(%s, %s) is downloaded again, and said", async (path, _what, change) => {
    const { out } = await inspect();
    await change(test.blobOf(path));
    hub.requests.length = 0;
    const again = await inspect();
    expect(again.err).toMatch(
      /has [\d,]+ bytes in the cache, and the hub lists [\d,]+; downloading it again/,
    );
    expect(again.err).toContain(path);
    expect([again.code, again.out]).toEqual([0, out]);
    expect(fetched()).toEqual([expect.stringContaining(path)]);
    expect(await readFile(test.blobOf(path))).toEqual(test.files[path]);
  });
});

describe("a blob of the right size that cannot be read", () => {
  it.each([WEIGHTS, "config.json", "vocab.json"])("(%s) is downloaded again, and said", async (path) => {
    const { out } = await inspect();
    for (const model of [NAME, `${NAME}@${COMMIT}`]) {
      await spoil(path);
      hub.requests.length = 0;
      const again = await inspect(model);
      expect(again.err).toMatch(
        / is broken in the hub's cache: its hash is [0-9a-f]+, not [0-9a-f]+; downloading it again/,
      );
      expect(again.err).toContain(path);
      expect([again.code, again.out]).toEqual([0, out.replace(NAME, model)]);
      expect(fetched()).toEqual([expect.stringContaining(path)]);
      expect(await readFile(test.blobOf(path))).toEqual(test.files[path]);
    }
  });

  it("is downloaded again for the next time, where a weight in it turns out to be no number", async () => {
    const { out } = await inspect();
    const bytes = Buffer.from(test.files[WEIGHTS]);
    bytes.writeFloatLE(NaN, 8 + Number(bytes.readBigUInt64LE(0)));
    await writeFile(test.blobOf(WEIGHTS), bytes);
    const { code, err } = await inspect();
    expect(code).toBe(1);
    expect(err).toMatch(/is broken in the hub's cache: .*; downloading it again/);
    expect(err).toMatch(/wte\.weight holds NaN at element 0, .*\nThe file is whole again: run the command again/);
    expect(await inspect()).toMatchObject({ code: 0, out });
  });

  it("is an error without a network, or where its folder was given, with what to do", async () => {
    await inspect();
    await spoil(WEIGHTS);
    vi.stubEnv("HF_HUB_OFFLINE", "yes");
    const offline = await inspect();
    expect(offline.code).toBe(1);
    expect(offline.err).toMatch(
      /model\.safetensors is broken .*\. Unset HF_HUB_OFFLINE and run the command again/,
    );
    vi.stubEnv("HF_HUB_OFFLINE", undefined);
    expect((await inspect(snapshot)).err).toMatch(/is broken .*\. Give the model by its name on the hub/);
    await hub.close();
    expect((await inspect()).err).toMatch(/is broken .*, and it cannot be downloaded again: .*ECONNREFUSED/);
  });

  it("is what it is where its hash is right: no model that we read", async () => {
    test.files["config.json"] = Buffer.from('{"model_type": "llama"}');
    const { code, err } = await inspect();
    expect(code).toBe(1);
    expect(err).not.toContain("broken");
    expect(fetched().filter((request) => request.endsWith("config.json"))).toHaveLength(1);
  });
});

describe("a cache that huggingface_hub filled", () => {
  it("in part is no whole model: of a commit without its tokenizer the hub is asked", async () => {
    await inspect();
    for (const name of ["vocab.json", "merges.txt"]) await rm(join(snapshot, name));
    const model = `${NAME}@${COMMIT}`;
    expect((await inspect(model)).code).toBe(0);
    expect(await readFile(join(snapshot, "vocab.json"))).toEqual(test.files["vocab.json"]);
    await rm(join(snapshot, "vocab.json"));
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    expect((await inspect(model)).code).toBe(0);
    await rm(join(snapshot, WEIGHTS));
    expect((await inspect(model)).err).toContain("is not in the cache");
  });

  it("with shards is whole with all of them", async () => {
    await mkdir(snapshot, { recursive: true });
    const index = { weight_map: { "wte.weight": "a.safetensors", "wpe.weight": "b.safetensors" } };
    await writeFile(join(snapshot, "model.safetensors.index.json"), JSON.stringify(index));
    for (const name of ["config.json", "vocab.json", "merges.txt", "a.safetensors"]) {
      await writeFile(join(snapshot, name), test.files[name] ?? "");
    }
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    expect((await inspect(`${NAME}@${COMMIT}`)).err).toContain("is not in the cache");
    await writeFile(join(snapshot, "b.safetensors"), "");
    expect((await inspect(`${NAME}@${COMMIT}`)).err).not.toContain("is not in the cache");
  });

  it("without links is taken as it is", async () => {
    await mkdir(snapshot, { recursive: true });
    for (const [name, content] of Object.entries(test.files)) await writeFile(join(snapshot, name), content);
    expect((await inspect()).code).toBe(0);
    expect(fetched()).toEqual([]);
    expect((await lstat(join(snapshot, WEIGHTS))).isFile()).toBe(true);
  });

  it("is found in the home folder where its name begins with ~", async () => {
    vi.stubEnv("HOME", test.folder);
    vi.stubEnv("HF_HUB_CACHE", "~/cache");
    expect((await inspect()).code).toBe(0);
    expect(await readFile(test.blobOf(WEIGHTS))).toEqual(test.files[WEIGHTS]);
  });
});

it("loads a broken model once more for every command that reads one", async () => {
  await inspect();
  const data = join(test.folder, "model/val.bin");
  for (const argv of [
    ["eval", "--model", NAME, "--data", data],
    ["compare", "--model", NAME, NAME, "--data", data],
    ["generate", "--model", NAME, "--prompt", "a", "--max-tokens", "1"],
    ["remove", "--model", NAME, "--corpus", join(test.folder, "model"), "--dry-run"],
  ]) {
    await spoil(WEIGHTS);
    const { err } = await run([...argv, "--threads", "1"]);
    expect(err, argv[0]).toContain("downloading it again");
    expect(await readFile(test.blobOf(WEIGHTS))).toEqual(test.files[WEIGHTS]);
  }
});
