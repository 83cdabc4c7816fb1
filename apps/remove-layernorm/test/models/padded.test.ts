/** Ids without a token, of a padded vocabulary and of a hole in it: never drawn, and shown as what they are. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freeParams, generate, initWeights, standardNorms, uploadWeights, sampleText } from "@normless/gpt2";
import { readModelFolder, writeModelFolder } from "@normless/gpt2/node";
import { reference } from "@normless/tensor";
import { writeNanogptShard } from "@normless/text";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AttributionData } from "../../src/look-inside/attribution.js";
import type { ComparisonData } from "../../src/compare/comparison-data.js";
import { quotedToken, tokenTexts } from "../../src/terminal/token-text.js";
import { readJson } from "../../src/json/json.js";

import { run, tinyConfig, writeTiny } from "../support/tiny.js";

/** GPT-2's bytes and end-of-text, a hole of two ids, a token; then padding. */
const SIZE = 288;
const hasToken = (id: number) => id < 257 || id === 259;

let folder: string;
let model: string;
let other: string;
let data: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-padded-"));
  const { model: tiny } = await writeTiny(folder);
  const loaded = await readModelFolder(tiny);
  const vocab = JSON.parse(loaded.tokenizerFiles["vocab.json"]) as Record<string, number>;
  const tokenizerFiles = {
    "vocab.json": JSON.stringify({ ...vocab, ab: 259 }),
    "merges.txt": "#version: 0.2\na b\n",
  };
  const config = { ...tinyConfig, vocabSize: SIZE };
  const padded = (seed: number) => {
    const weights = initWeights(config, seed);
    const { data } = weights["wte.weight"];
    // Whatever direction the residual has, one of these is along it.
    [257, 258, ...Array.from({ length: 14 }, (_, i) => 260 + i)].forEach((id, i) => {
      data.fill(0, 8 * id, 8 * id + 8)[8 * id + (i >> 1)] = i % 2 === 0 ? 9 : -9;
    });
    return { config, weights, norms: standardNorms(config), tokenizerFiles };
  };
  model = join(folder, "padded");
  other = join(folder, "other");
  await writeModelFolder(model, padded(1));
  await writeModelFolder(other, padded(2));
  data = join(folder, "data.bin");
  await writeFile(
    data,
    writeNanogptShard(
      Uint16Array.from({ length: 400 }, (_, i) => (i % 3 === 0 ? 257 + (i % 30) : 65 + (i % 20))),
    ),
  );
});
afterAll(() => rm(folder, { recursive: true }));

describe("ids without a token", () => {
  it("are never drawn, greedily or at random", async () => {
    for (const how of [
      ["--temperature", "0"],
      ["--temperature", "1"],
      ["--top-k", "3", "--seed", "4"],
      ["--top-p", "0.5", "--temperature", "2"],
    ]) {
      const argv = ["generate", "--model", model, "--prompt", "ab", "--max-tokens", "30", ...how];
      const { code, out, err } = await run(argv);
      expect([code, err]).toEqual([0, ""]);
      expect(out.length).toBeGreaterThan("ab\n".length);
    }
  });

  it("are never drawn for a run's sample either, whose prompt may be empty", async () => {
    const { config, norms, weights, tokenizer } = await readModelFolder(model);
    const device = { config, norms, params: await uploadWeights(reference(), weights) };
    const drawn: number[] = [];
    for await (const id of generate(device, [1], { maxTokens: 5 })) drawn.push(id);
    expect(drawn.some((id) => !tokenizer?.has(id))).toBe(true);
    for (const prompt of ["ab", ""]) expect(await sampleText(device, tokenizer!, prompt, 1)).not.toBe("");
    freeParams(device.params);
  });

  it("are shown by attribute, which takes the likeliest", async () => {
    const json = join(folder, "attribution.json");
    const { code, out } = await run(["attribute", "--model", model, "--prompt", "ab", "--json", json]);
    expect(code).toBe(0);
    const { token, tokenText, lastText } = (await readJson(json)) as AttributionData;
    expect(hasToken(token)).toBe(false);
    expect(tokenText).toBe(`⟨id ${token}⟩`);
    expect(lastText).toBe('"ab"');
    expect(out).toContain(`the logit of ⟨id ${token}⟩ after "ab", the likeliest`);
  });

  it("are shown by compare where the data have them, and where they are expected", async () => {
    const json = join(folder, "comparison.json");
    const html = join(folder, "comparison.html");
    const files = ["--data", data, "--json", json, "--html", html];
    const { code, out } = await run(["compare", "--model", model, other, ...files]);
    expect(code).toBe(0);
    const { passages } = (await readJson(json)) as ComparisonData;
    expect(passages.length).toBeGreaterThan(0);
    for (const { tokens, words } of passages) {
      for (const [i, { id, top }] of tokens.entries()) {
        expect(words[i].text.includes(`⟨id ${id}⟩`)).toBe(!hasToken(id));
        expect(words[i].top.a === `⟨id ${top.a.id}⟩`).toBe(!hasToken(top.a.id));
      }
      expect(tokens.some(({ id }) => !hasToken(id))).toBe(true);
    }
    expect(out).toMatch(/A expects ⟨id \d+⟩/);
  });

  it("are only ids to eval, HellaSwag and LAMBADA", async () => {
    const hellaswag = fileURLToPath(new URL("../fixtures/hellaswag.txt", import.meta.url));
    const lambada = join(folder, "lambada.txt");
    await writeFile(lambada, "We are the people\nof the Union\n");
    const tasks = ["--hellaswag", hellaswag, "--lambada", lambada, "--limit", "4"];
    const argv = ["eval", "--model", model, other, "--data", data, "--tokens", "100", ...tasks];
    const { code, out } = await run(argv);
    expect([code, out.includes("NaN")]).toEqual([0, false]);
  });

  it("stand in the text of a sequence, after what was begun before them", async () => {
    const { tokenizer } = await readModelFolder(model);
    const [first, second] = tokenizer!.encode("é");
    expect(tokenTexts(tokenizer, [first, second, 258, first, 300, 259])).toEqual([
      "",
      "é",
      "⟨id 258⟩",
      "",
      "\ufffd⟨id 300⟩",
      "ab",
    ]);
    expect(quotedToken(tokenizer, 259)).toBe('"ab"');
    expect(quotedToken(tokenizer, 258)).toBe("⟨id 258⟩");
    expect(tokenTexts(undefined, [7])).toEqual([" 7"]);
  });
});
