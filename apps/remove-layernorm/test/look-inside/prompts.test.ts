import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readTokenizerFiles, tokenizerFromFiles } from "@normless/text";
import { describe, expect, it } from "vitest";
import { pairIds, promptLines, readPromptFile } from "../../src/look-inside/prompt-file.js";
import { promptPairs, type PromptPairText, tasks } from "../../src/look-inside/templates.js";
import type { PromptsAttributionData } from "../../src/look-inside/attribution.js";
import { figures, lookingModels, refused, result } from "./looking-models.js";

const place = lookingModels();
const sotu = new URL("../../../../models/sotu", import.meta.url).pathname;

async function shippedTokenizer() {
  const read = (name: string) => readFile(join(sotu, name)).catch(() => undefined);
  const found = tokenizerFromFiles(await readTokenizerFiles(read));
  if (!found) throw new Error("models/sotu has a tokenizer");
  return found.tokenizer;
}

describe.each(tasks)("prompts of %s", (task) => {
  it("are all different, of one length, and their answers one token that goes on from them", async () => {
    const path = join(place.folder, `${task}.jsonl`);
    const out = await result("prompts", task, "--model", sotu, "--count", "24", "--jsonl", path);
    expect(out).toContain("and 16 more");
    const pairs = await readPromptFile(path);
    expect(new Set(pairs.map((pair) => JSON.stringify(pair))).size).toBe(24);
    const tokenizer = await shippedTokenizer();
    const ids = pairIds(tokenizer, { blockSize: 128 }, pairs);
    expect(new Set(ids.map(({ clean }) => clean.length)).size).toBe(1);
    for (const [i, { clean, corrupted, answer, wrong }] of ids.entries()) {
      expect(answer).not.toBe(wrong);
      // A word is changed, or two that are swapped later.
      expect(clean.filter((id, t) => id !== corrupted[t])).toHaveLength(1);
      expect(tokenizer.encode(pairs[i].clean + pairs[i].answer)).toEqual([...clean, answer]);
    }
    expect(promptPairs(task, (text) => tokenizer.encode(text), { count: 24, seed: 0 })).toEqual(pairs);
    expect(promptPairs(task, (text) => tokenizer.encode(text), { count: 24, seed: 1 })).not.toEqual(pairs);
  });

  it("have a right answer by what they say", async () => {
    const tokenizer = await shippedTokenizer();
    const right: Record<string, (pair: PromptPairText) => void> = {
      // Who gives does not get.
      ioi: ({ clean, corrupted, answer, wrong }) => {
        const [, first, second, giver] =
          /When (\w+) and (\w+) went to work, (\w+) gave a book to$/.exec(clean) ?? [];
        expect(wrong).toBe(` ${giver}`);
        expect([` ${first}`, ` ${second}`].filter((name) => name !== wrong)).toEqual([answer]);
        expect(corrupted).toContain(`,${answer} gave`);
      },
      "greater-than": ({ clean, corrupted, answer, wrong }) => {
        const year = Number(/17(\d\d) to/.exec(clean)?.[1]);
        expect(Number(answer)).toBeGreaterThan(year);
        expect(Number(wrong)).toBeLessThan(year);
        expect(corrupted).toContain("1701 to");
      },
      agreement: ({ clean, corrupted, answer }) => {
        const many = /^The \w+s of/.test(clean);
        expect([" are", " were", " have"].includes(answer)).toBe(many);
        expect(/^The \w+s of/.test(corrupted)).toBe(!many);
      },
    };
    for (const pair of promptPairs(task, (text) => tokenizer.encode(text), { count: 40, seed: 3 }))
      right[task](pair);
  });
});

it("are taken by the name of their task, too", async () => {
  const path = join(place.folder, "first-look.jsonl");
  await result("prompts", "agreement", "--model", sotu, "--jsonl", path);
  const looked = (prompts: string) =>
    figures<PromptsAttributionData>("attribute", "--model", sotu, "--prompts", prompts);
  const [named, read] = [await looked("agreement"), await looked(path)];
  expect(named).toEqual({ ...read, file: "agreement" });
  expect(named.prompts).toBe(32);
});

it("says how many there are at most, and where a tokenizer has no such words", async () => {
  expect(await refused("prompts", "ioi", "--model", sotu, "--count", "100000")).toMatch(
    /ask for \d+ at most/,
  );
  expect(await refused("prompts", "ioi", "--model", place.model)).toContain(
    "take a model with another vocabulary",
  );
  expect(await refused("prompts", "iol")).toContain("Allowed choices are ioi, greater-than, agreement");
});

it("a file of prompts is refused by its line", async () => {
  const path = join(place.folder, "wrong.jsonl");
  const attribute = async (text: string) => {
    await writeFile(path, text);
    return refused("attribute", "--model", place.model, "--prompts", path);
  };
  const good = { clean: "ab", corrupted: "cb", answer: "d", wrong: "e" };
  expect(await attribute(`${promptLines([good])}{"clean":\n`)).toContain("wrong.jsonl, line 2 is not JSON");
  expect(await attribute('{"clean": "a", "corrupted": "b", "answr": "c"}')).toContain('no field "answr"');
  expect(await attribute("\n")).toContain("has no prompt; normless prompts writes some");
  expect(await attribute(promptLines([{ ...good, answer: "de" }]))).toContain(
    'answer "de" is 2 tokens, "d" "e"',
  );
  expect(await attribute(promptLines([{ ...good, corrupted: "cbd" }]))).toContain(
    '"ab" has 2 tokens and "cbd" has 3; what stands at a position takes the place',
  );
  expect(await refused("attribute", "--model", place.model, "--prompts", `${path}.none`)).toContain(
    "there is no such file; normless prompts writes one",
  );
  expect(await refused("attribute", "--model", place.model, "--prompts", "agrement")).toContain(
    'its tasks are ioi, greater-than, agreement. Did you mean "agreement"?',
  );
  expect(await refused("patch", "--model", place.model, "--prompts", "ioi")).toContain("another vocabulary");
});
