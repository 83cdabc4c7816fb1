/** A folder's files together. That the ids are AutoTokenizer's is in test/peers/test_tokenizers.py. */
import { describe, expect, it } from "vitest";
import { byteToCharacter } from "../src/byte-alphabet.js";
import { END_OF_TEXT, TOKENIZER_FILES, tokenizerFromFiles } from "../src/index.js";

const vocab: Record<string, number> = Object.fromEntries(
  [...byteToCharacter, "ab", "abc", END_OF_TEXT].map((token, id) => [token, id]),
);
const merges = ["a b", "ab c"];
const two = { "vocab.json": JSON.stringify(vocab), "merges.txt": `#version: 0.2\n${merges.join("\n")}\n` };
const eot = { id: 258, content: END_OF_TEXT, special: true };
const pad = { id: 259, content: "[PAD]", special: true };

function json(added_tokens: object[] = [eot], model: object = {}): Record<string, string> {
  const pre_tokenizer = { type: "ByteLevel", add_prefix_space: false };
  const file = { added_tokens, pre_tokenizer, model: { type: "BPE", vocab, merges, ...model } };
  return { "tokenizer.json": JSON.stringify(file) };
}
const file = (name: string, content: unknown) => ({ [name]: JSON.stringify(content) });

function read(...files: Record<string, string>[]) {
  const all = Object.assign({}, ...files) as Record<string, string>;
  for (const name of Object.keys(all)) expect(TOKENIZER_FILES).toContain(name);
  const found = tokenizerFromFiles(all);
  if (!found) throw new Error("no tokenizer");
  const { tokenizer, notes } = found;
  return { tokenizer, notes, padded: tokenizer.encode("ab[PAD]").slice(1) };
}
const bytes = [..."[PAD]"].map((letter) => vocab[letter]);

describe("a folder's tokenizer", () => {
  it("is there with tokenizer.json, or with both of GPT-2's own files", () => {
    expect(tokenizerFromFiles({})).toBeUndefined();
    expect(tokenizerFromFiles({ "vocab.json": two["vocab.json"] })).toBeUndefined();
    for (const files of [two, json(), { ...two, ...json() }]) {
      const { tokenizer, notes } = read(files);
      expect(tokenizer.encode("ab abc")).toEqual([256, vocab["Ġ"], 257]);
      expect([tokenizer.vocabSize, tokenizer.eot, notes]).toEqual([259, 258, []]);
    }
  });

  it("has tokenizer.json's added tokens, and says where the other files do not know them", () => {
    expect(read(json([eot, pad]))).toMatchObject({ padded: [259], notes: [] });
    const beside = read(two, json([eot, pad]));
    expect(beside.padded).toEqual([259]);
    expect(beside.notes).toEqual([
      'vocab.json and tokenizer.json disagree on "[PAD]" (no id and id 259); tokenizer.json is taken',
    ]);
    expect(read(two, json([eot, pad]), file("added_tokens.json", { "[PAD]": 259 })).notes).toEqual([]);
  });

  it("has the added tokens of the files beside GPT-2's own", () => {
    const decoder = { added_tokens_decoder: { 258: eot, 259: pad } };
    for (const files of [
      file("added_tokens.json", { "[PAD]": 259 }),
      file("tokenizer_config.json", decoder),
    ]) {
      expect(read(two, files)).toMatchObject({ padded: [259], notes: [] });
    }
    // The decoder is the newer of the two.
    const both = read(
      two,
      file("tokenizer_config.json", decoder),
      file("added_tokens.json", { "[PAD]": 260 }),
    );
    expect(both.padded).toEqual([259]);
  });

  it.each([
    ["tokenizer_config.json", { pad_token: "[PAD]" }, "pad_token"],
    ["special_tokens_map.json", { pad_token: { content: "[PAD]", lstrip: false } }, "pad_token"],
    ["tokenizer_config.json", { extra_special_tokens: { image: "[PAD]" } }, "extra_special_tokens"],
    [
      "tokenizer_config.json",
      { additional_special_tokens: ["[PAD]", END_OF_TEXT] },
      "additional_special_tokens",
    ],
  ])("gives a token the next id that %s names as %j", (name, content, role) => {
    for (const files of [two, json()]) {
      const { padded, notes } = read(files, file(name, content));
      expect(padded).toEqual([259]);
      expect(notes).toEqual([
        `"[PAD]", ${role} of ${name}, has no id in any file: it gets the next one, 259`,
      ]);
      expect(read(json([eot, pad]), file(name, content)).notes).toEqual([]);
    }
  });

  it("takes the vocabulary and merges of tokenizer.json where those of the other two are not the same", () => {
    const other = { ...vocab, ab: 257, abc: 256, xy: 300 };
    const { tokenizer, notes } = read(
      { "vocab.json": JSON.stringify(other), "merges.txt": "a b\n" },
      json([eot], {
        merges: [
          ["a", "b"],
          ["ab", "c"],
        ],
      }),
    );
    expect(tokenizer.encode("abc")).toEqual([257]);
    expect(notes).toEqual([
      'vocab.json and tokenizer.json disagree on 3 tokens, such as "ab" (id 257 and id 256); tokenizer.json is taken',
      "merges.txt and tokenizer.json disagree from merge 2 on; tokenizer.json is taken",
    ]);
  });

  it("says what it takes where the other files contradict", () => {
    const added = (content: object) => read(json([eot, pad]), file("added_tokens.json", content));
    expect(added({ foo: 260 })).toMatchObject({
      padded: [259],
      notes: ['"foo" (260) is in added_tokens.json and not in tokenizer.json; it is taken'],
    });
    expect(added({ foo: 259 })).toMatchObject({
      padded: [259],
      notes: ['"foo" is 259 in added_tokens.json, which is "[PAD]"; it is left out'],
    });
    expect(added({ "[PAD]": 260, ab: 3 })).toMatchObject({
      padded: [259],
      notes: [
        '"ab" is 3 in added_tokens.json; it is taken as 256',
        '"[PAD]" is 260 in added_tokens.json; it is taken as 259',
      ],
    });
    const decoder = { added_tokens_decoder: { 259: { ...pad, rstrip: true } } };
    expect(read(json([eot, pad]), file("tokenizer_config.json", decoder)).notes).toEqual([
      '"[PAD]" has other flags in tokenizer_config.json; those of tokenizer.json are taken',
    ]);
  });

  it("says which tokens a post-processor puts around every text", () => {
    const single = [{ SpecialToken: { id: END_OF_TEXT, type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }];
    const template = { type: "TemplateProcessing", single };
    const byteLevel = { type: "ByteLevel", trim_offsets: true };
    const whole = JSON.parse(json()["tokenizer.json"]) as object;
    const noted = (post_processor: object) =>
      read(file("tokenizer.json", { ...whole, post_processor })).notes;
    for (const processor of [template, { type: "Sequence", processors: [byteLevel, template] }]) {
      expect(noted(processor)).toEqual([
        expect.stringContaining('puts "<|endoftext|>" around every text; no token is added to a text here'),
      ]);
    }
    expect(noted(byteLevel)).toEqual([]);
    expect(noted({ ...template, single: single.slice(1) })).toEqual([]);
  });

  it("keeps an id that transformers would not give, and says so", () => {
    const { padded, notes } = read(json([eot, { ...pad, id: 300 }]));
    expect(padded).toEqual([300]);
    expect(notes).toEqual([
      '"[PAD]" is 300, where transformers counts on from the vocabulary and makes it 259; 300 is taken',
    ]);
  });

  it("never makes end-of-text of a text unless asked to, whatever its flags", () => {
    for (const files of [two, json(), json([{ ...eot, normalized: true, lstrip: true }, pad])]) {
      const { tokenizer } = read(files, file("added_tokens.json", { "[PAD]": 259 }));
      const text = `ab ${END_OF_TEXT}[PAD]`;
      expect(tokenizer.encode(text)).toEqual([256, ...tokenizer.encode(` ${END_OF_TEXT}`), 259]);
      expect(tokenizer.encode(text)).not.toContain(258);
      expect(tokenizer.encode(text, { specialTokens: true })).toContain(258);
    }
    expect(read(two).padded).toEqual(bytes);
  });

  it.each<[string, Record<string, string>, string]>([
    ["a file that is no JSON", { ...two, "added_tokens.json": "{" }, "added_tokens.json is not JSON"],
    [
      "a space put before a text",
      { ...two, ...file("tokenizer_config.json", { add_prefix_space: true }) },
      "tokenizer_config.json: add_prefix_space is true; GPT-2's tokenizer has null or false",
    ],
    [
      "special tokens that are cut up",
      { ...two, ...file("tokenizer_config.json", { split_special_tokens: true }) },
      "split_special_tokens is true",
    ],
    [
      "an id that is none",
      { ...two, ...file("added_tokens.json", { "[PAD]": "x" }) },
      'added_tokens.json: "[PAD]".id is "x"; it must be an integer',
    ],
    [
      "an entry that is none",
      { ...two, ...file("tokenizer_config.json", { added_tokens_decoder: { 259: "[PAD]" } }) },
      'added_tokens_decoder["259"] is "[PAD]"; it must be a JSON object',
    ],
    [
      "a role that is no token",
      { ...two, ...file("tokenizer_config.json", { pad_token: 7 }) },
      "tokenizer_config.json: pad_token is 7; it must be a JSON object",
    ],
  ])("refuses %s", (_, files, message) => {
    expect(() => tokenizerFromFiles(files)).toThrow(message);
  });
});
