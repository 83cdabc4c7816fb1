/** A model that was fine-tuned with tokens of its own: every command reads them, and every folder keeps their files. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initWeights, type LoadedModel } from "@normless/gpt2";
import { readModelFolder, writeModelFolder } from "@normless/gpt2/node";
import { TOKENIZER_FILES } from "@normless/text";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { AttributionData } from "../../src/look-inside/attribution.js";
import { readCorpus } from "../../src/data/corpus.js";
import { readJson } from "../../src/json/json.js";
import { COMMIT, fakeHub } from "@normless/hub/testing";
import { run, tinyConfig, writeTiny } from "../support/tiny.js";

let folder: string;
let loaded: LoadedModel;
/** `[PAD]` is id 257 in every file that transformers 4 writes, and has an embedding. */
let tuned: string;
let recipe: string;
const PAD = { id: 257, content: "[PAD]", special: true, normalized: false };
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-added-"));
  const tiny = await writeTiny(folder);
  loaded = await readModelFolder(tiny.model);
  recipe = tiny.recipe;
  tuned = join(folder, "tuned");
  await write(tuned, 264, allFiles());
});
afterAll(() => rm(folder, { recursive: true }));

/** The tiny tokenizer's tokenizer.json. */
function tokenizerJson(...added: object[]): string {
  const vocab = JSON.parse(loaded.tokenizerFiles["vocab.json"]) as object;
  const pre_tokenizer = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  const eot = { id: 256, content: "<|endoftext|>", special: true };
  return JSON.stringify({
    added_tokens: [eot, ...added],
    pre_tokenizer,
    model: { type: "BPE", vocab, merges: [] },
  });
}

const allFiles = (): Record<string, string> => ({
  ...loaded.tokenizerFiles,
  "tokenizer.json": tokenizerJson(PAD),
  "added_tokens.json": '{"[PAD]": 257}\n',
  "tokenizer_config.json": JSON.stringify({ pad_token: "[PAD]", added_tokens_decoder: { 257: PAD } }),
  "special_tokens_map.json": '{"pad_token": "[PAD]"}',
});

async function write(path: string, vocabSize: number, tokenizerFiles: Record<string, string>): Promise<void> {
  const config = { ...tinyConfig, vocabSize };
  await writeModelFolder(path, {
    config,
    weights: initWeights(config, 3),
    norms: loaded.norms,
    tokenizerFiles,
  });
}

/** The tokens of a prompt, told by the embedding that attribute names last. */
async function lastOf(path: string, prompt: string) {
  const json = join(folder, "last.json");
  const { code, err } = await run(["attribute", "--model", path, "--prompt", prompt, "--json", json]);
  expect(code, err).toBe(0);
  const { lastText, position } = (await readJson(json)) as AttributionData;
  return { lastText, position, err };
}

describe("tokens of a fine-tuned model", () => {
  it("are found in prompts and in data, wherever they were written down", async () => {
    const two = loaded.tokenizerFiles;
    const folders = {
      all: allFiles(),
      decoder: { ...two, "tokenizer_config.json": allFiles()["tokenizer_config.json"] },
      added: { ...two, "added_tokens.json": '{"[PAD]": 257}' },
      five: { "tokenizer.json": tokenizerJson(PAD), "tokenizer_config.json": '{"pad_token": "[PAD]"}' },
    };
    const text = join(folder, "text.txt");
    await writeFile(text, "hi [PAD]");
    for (const [name, files] of Object.entries(folders)) {
      const path = join(folder, name);
      await write(path, 264, files);
      expect(await lastOf(path, "hi [PAD]")).toEqual({ lastText: '"[PAD]"', position: 3, err: "" });
      const { config, tokenizer, tokenizerFiles } = await readModelFolder(path);
      expect(tokenizerFiles).toEqual(files);
      expect([...(await readCorpus([text], { vocabSize: config.vocabSize, tokenizer }))].slice(-2)).toEqual([
        257, 256,
      ]);
    }
  });

  it("are said where one file has them and another does not, once by every command", async () => {
    const path = join(folder, "beside");
    await write(path, 264, { ...loaded.tokenizerFiles, "tokenizer.json": tokenizerJson(PAD) });
    const note = `${path}: vocab.json and tokenizer.json disagree on "[PAD]" (no id and id 257); tokenizer.json is taken\n`;
    expect(await lastOf(path, "hi [PAD]")).toEqual({ lastText: '"[PAD]"', position: 3, err: note });
    const data = join(folder, "model", "val.bin");
    const preset = join(folder, "preset.json");
    await writeFile(preset, await readFile(join(path, "config.json")));
    const corpus = ["--train", data, "--validation", data];
    for (const argv of [
      ["generate", "--model", path, "--prompt", "hi [PAD]", "--max-tokens", "2"],
      ["eval", "--model", path, "--data", data, "--tokens", "32"],
      ["remove", "--model", path, ...corpus, "--recipe", recipe, "--out", join(folder, "noted")],
      [
        "train",
        "--tokenizer",
        path,
        ...corpus,
        "--model-config",
        preset,
        "--steps",
        "1",
        "--block-size",
        "16",
        "--out",
        join(folder, "new"),
      ],
    ]) {
      const { code, err } = await run([...argv, "--threads", "1"]);
      expect(code, err).toBe(0);
      expect(err.split(note), `${argv[0]}: ${err}`).toHaveLength(2);
    }
    const made = await readModelFolder(join(folder, "new", "model"));
    expect(Object.keys(made.tokenizerFiles)).toEqual(["vocab.json", "merges.txt", "tokenizer.json"]);
  });

  it("keep all their files in the folders that are written", async () => {
    const out = join(folder, "run");
    const data = join(folder, "model", "val.bin");
    const argv = ["--model", tuned, "--train", data, "--validation", data, "--recipe", recipe, "--out", out];
    const removed = await run(["remove", ...argv]);
    expect(removed.code, removed.err).toBe(0);
    const stock = join(out, "ln-free-gpt2");
    const again = join(folder, "exported");
    const exported = await run([
      "export",
      "--model",
      stock,
      "--out",
      again,
      "--data",
      data,
      "--tokens",
      "32",
    ]);
    expect(exported.code, exported.err).toBe(0);
    for (const path of [join(out, "ln-free"), stock, again]) {
      expect((await readModelFolder(path)).tokenizerFiles).toEqual(allFiles());
    }
    expect(Object.keys(allFiles()).sort()).toEqual([...TOKENIZER_FILES].sort());
  });

  it("come from the hub with all their files", async () => {
    const files: Record<string, Buffer> = { "README.md": Buffer.from("not asked for") };
    const needed = ["config.json", "model.safetensors", ...TOKENIZER_FILES];
    for (const name of needed) files[name] = await readFile(join(tuned, name));
    const hub = await fakeHub("some-lab/tuned", files);
    vi.stubEnv("HF_ENDPOINT", hub.url);
    vi.stubEnv("HF_HUB_CACHE", join(folder, "cache"));
    vi.stubEnv("HF_HUB_OFFLINE", undefined);
    try {
      const { lastText } = await lastOf("some-lab/tuned", "hi [PAD]");
      expect(lastText).toBe('"[PAD]"');
      const snapshot = join(folder, "cache", "models--some-lab--tuned", "snapshots", COMMIT);
      for (const name of needed) expect(await readFile(join(snapshot, name))).toEqual(files[name]);
    } finally {
      vi.unstubAllEnvs();
      await hub.close();
    }
  });
});

describe("a token that the model has no embedding for", () => {
  it("is said, and refused only where a text has it", async () => {
    const path = join(folder, "unresized");
    await write(path, 257, { ...loaded.tokenizerFiles, "added_tokens.json": '{"[PAD]": 257}' });
    const note = `${path}: "[PAD]" has the id 257, and the model's vocabulary is 257: a text with it cannot be read\n`;
    expect(await lastOf(path, "hi")).toEqual({ lastText: '"i"', position: 1, err: note });
    const text = join(folder, "pad.txt");
    await writeFile(text, "hi [PAD]");
    const { code, err } = await run(["eval", "--model", path, "--data", text]);
    expect(code).not.toBe(0);
    expect(err).toContain(`${text}: token 3 has id 257, outside the model's vocabulary of 257`);
    const drawn = await run(["generate", "--model", path, "--prompt", "[PAD]", "--max-tokens", "1"]);
    expect([drawn.code, drawn.err]).toEqual([
      1,
      expect.stringContaining("holds id 257, outside the vocabulary of 257"),
    ]);
    // It changes nothing for a model that does not know it.
    const plain = join(folder, "model");
    const compared = await run([
      "compare",
      "--model",
      plain,
      path,
      "--data",
      join(plain, "val.bin"),
      "--tokens",
      "64",
    ]);
    expect(compared.code, compared.err).toBe(0);
  });

  it("is an error where it is one of the vocabulary itself", async () => {
    const path = join(folder, "larger");
    const vocab = { ...(JSON.parse(loaded.tokenizerFiles["vocab.json"]) as object), ab: 257 };
    await write(path, 257, { ...loaded.tokenizerFiles, "vocab.json": JSON.stringify(vocab) });
    await expect(readModelFolder(path)).rejects.toThrow(
      `${path}: the tokenizer has 258 tokens, but the model's vocabulary is 257. Do they belong to one model?`,
    );
  });
});
