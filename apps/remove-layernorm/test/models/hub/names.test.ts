/** The names that GPT-2s had before models had owners, in a hub's cache that Python shares. */
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { COMMIT, fakeHub, type FakeHub } from "@normless/hub/testing";
import { hubFolder, type HubFolder, inspect, WEIGHTS } from "./hub-folder.js";
import { run } from "../../support/tiny.js";

const SHORT = "models--gpt2";
const WHOLE = "models--openai-community--gpt2";

let test: HubFolder;
let hub: FakeHub;
let cache: string;
beforeEach(async () => {
  test = await hubFolder();
  hub = await fakeHub("openai-community/gpt2", test.files);
  vi.stubEnv("HF_ENDPOINT", hub.url);
  cache = join(test.folder, "cache");
});
afterEach(async () => {
  await hub.close();
  await test.remove();
});

const bodies = () => hub.requests.filter((request) => request.includes("/resolve/"));

it("are downloaded to the folder that transformers looks in for the same name", async () => {
  const { code, err } = await inspect("gpt2");
  expect(code).toBe(0);
  expect(err).toContain("downloading gpt2, ");
  expect(await readdir(cache)).toEqual([SHORT]);
  expect(await readFile(join(cache, SHORT, "snapshots", COMMIT, WEIGHTS))).toEqual(test.files[WEIGHTS]);
  expect(await readFile(join(cache, SHORT, "refs/main"), "utf8")).toBe(COMMIT);
  // By its commit, too, which the cache has.
  hub.requests.length = 0;
  expect((await inspect(`gpt2@${COMMIT}`)).code).toBe(0);
  expect(hub.requests).toEqual([]);
});

it.each([
  ["gpt2", SHORT, "openai-community/gpt2"],
  ["openai-community/gpt2", WHOLE, "gpt2"],
])(
  "%s in the cache is found by the other name, with a network and without",
  async (first, folder, second) => {
    await inspect(first);
    hub.requests.length = 0;
    expect((await inspect(second)).err).toBe("");
    expect(bodies()).toEqual([]);
    expect(await readdir(cache)).toEqual([folder]);
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    expect((await inspect(second)).err).toBe("");
    await rm(join(cache, folder), { recursive: true });
    const { err } = await inspect(second);
    for (const name of [SHORT, WHOLE]) expect(err).toContain(join(cache, name));
  },
);

it("of two folders the one is taken that has what the hub has now", async () => {
  await inspect("openai-community/gpt2");
  // What Python left under the short name is of an older commit.
  const old = "f".repeat(40);
  await mkdir(join(cache, SHORT, "refs"), { recursive: true });
  await mkdir(join(cache, SHORT, "snapshots"), { recursive: true });
  await writeFile(join(cache, SHORT, "refs/main"), old);
  await rename(join(cache, WHOLE, "snapshots", COMMIT), join(cache, SHORT, "snapshots", old));
  await inspect("openai-community/gpt2");
  hub.requests.length = 0;
  expect((await inspect("gpt2")).err).toBe("");
  expect(bodies()).toEqual([]);
});

it("gives way to a folder of that name, and says so; a file is none", async () => {
  const before = process.cwd();
  const here = join(test.folder, "here");
  await mkdir(here);
  process.chdir(here);
  try {
    await writeFile("gpt2", "not a folder");
    expect((await inspect("gpt2")).err).toContain("downloading gpt2, ");
    await rm("gpt2");
    await rename(join(test.folder, "model"), "gpt2");
    expect((await inspect("gpt2")).err).toBe(
      "gpt2: the folder of that name is taken, not openai-community/gpt2 on the hub\n",
    );
    // No doubt: nobody knows of such a model.
    await mkdir("some-owner");
    await rename("gpt2", "some-owner/gpt2");
    expect((await inspect("some-owner/gpt2")).err).toBe("");
    await mkdir("openai-community");
    await rename("some-owner/gpt2", "openai-community/gpt2");
    expect((await inspect("openai-community/gpt2")).err).toContain("the folder of that name is taken");
  } finally {
    process.chdir(before);
  }
});

it("names a tokenizer, which is downloaded alone, and completed to a model", async () => {
  const text = join(test.folder, "some.txt");
  await writeFile(text, "Fellow citizens of the Senate. ".repeat(40));
  const shape = join(test.folder, "shape.json");
  await writeFile(shape, test.files["config.json"]);
  const argv = [
    "train",
    "--tokenizer",
    "gpt2",
    "--model-config",
    shape,
    "--train",
    text,
    "--validation",
    text,
  ];
  const sizes = ["--steps", "2", "--batch-size", "2", "--block-size", "8", "--threads", "1"];
  const out = join(test.folder, "out");
  const { code, err } = await run([...argv, ...sizes, "--out", out]);
  expect(err).toContain("downloading gpt2, ");
  expect(code).toBe(0);
  expect((await readdir(join(cache, SHORT, "snapshots", COMMIT))).sort()).toEqual([
    "merges.txt",
    "vocab.json",
  ]);
  expect((await readdir(join(out, "model"))).sort()).toContain("merges.txt");
  vi.stubEnv("HF_HUB_OFFLINE", "1");
  expect((await inspect("gpt2")).err).toContain("gpt2 is not in the cache");
  expect((await run([...argv, ...sizes, "--out", join(test.folder, "again")])).code).toBe(0);
  vi.stubEnv("HF_HUB_OFFLINE", undefined);
  hub.requests.length = 0;
  expect((await inspect("gpt2")).code).toBe(0);
  expect(
    bodies()
      .map((path) => path.split("/").at(-1))
      .sort(),
  ).toEqual(["config.json", WEIGHTS]);
});

it("is an input that nothing is written over, by either folder", async () => {
  await inspect("openai-community/gpt2");
  for (const folder of [SHORT, WHOLE]) {
    const out = join(cache, folder, "snapshots", COMMIT, "out.json");
    await mkdir(dirname(out), { recursive: true });
    const { code, err } = await run(["eval", "--model", "gpt2", "--json", out]);
    expect(code).toBe(2);
    expect(err).toContain("would write over --model gpt2");
  }
});
