import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { readShard, tokenizerFromVocabAndMerges } from "../src/index.js";
import { gpt2, gpt2Vocab } from "./gpt2.js";

const file = (name: string): Promise<Buffer> =>
  readFile(new URL(`../../../models/sotu/${name}`, import.meta.url));

const vocab = JSON.parse((await file("vocab.json")).toString()) as Record<string, number>;
const tokenizer = tokenizerFromVocabAndMerges(vocab, (await file("merges.txt")).toString());

async function readTokens(name: string): Promise<Uint16Array> {
  const unzipped = new Blob([new Uint8Array(await file(name))])
    .stream()
    .pipeThrough(new DecompressionStream("gzip"));
  return readShard(new Uint8Array(await new Response(unzipped).arrayBuffer())).tokens;
}

describe("the shipped tokenizer (models/sotu)", () => {
  it("has 4,096 tokens, GPT-2's first 4,095 under GPT-2's own ids and end-of-text last", () => {
    expect(tokenizer.vocabSize).toBe(4096);
    expect(tokenizer.eot).toBe(4095);
    const others = Object.entries(vocab).filter(([, id]) => id !== 4095);
    expect(others).toHaveLength(4095);
    for (const [token, id] of others) expect(gpt2Vocab[token]).toBe(id);
  });

  it("gives GPT-2's own ids for text that GPT-2 encodes with the first 4,095", () => {
    const text = "We have the power to make the world a better place for our people, and we will do it.";
    const ids = gpt2.encode(text);
    expect(Math.max(...ids)).toBeLessThan(4095);
    expect(tokenizer.encode(text)).toEqual(ids);
  });
});

describe.each([
  ["train.bin.gz", 210, 2_514_756, "Fellow-Citizens of the Senate and House of Representatives"],
  ["val.bin.gz", 23, 271_227, "Gentlemen of the Senate and Gentlemen of the House of Representatives"],
])("the shipped tokens %s", (name, documents, count, opening) => {
  it("are documents that each end in end-of-text, encoded with the shipped tokenizer", async () => {
    const tokens = await readTokens(name);
    expect(tokens.length).toBe(count);
    expect(tokens.filter((id) => id === tokenizer.eot)).toHaveLength(documents);
    expect(tokens.at(-1)).toBe(tokenizer.eot);
    const first = tokens.subarray(0, tokens.indexOf(tokenizer.eot));
    const text = tokenizer.decode(first);
    expect(text.startsWith(opening)).toBe(true);
    expect(tokenizer.encode(text)).toEqual(Array.from(first));
  });
});
