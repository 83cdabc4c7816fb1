import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { byteToCharacter } from "../src/byte-alphabet.js";
import { END_OF_TEXT, tokenizerFromJson, tokenizerFromVocabAndMerges } from "../src/index.js";
import { gpt2, gpt2Merges, gpt2Vocab } from "./gpt2.js";

const mergeLines = gpt2Merges.trimEnd().split("\n").slice(1);

/** tokenizer.json as Hugging Face writes it for GPT-2, with some of its fields replaced. */
const gpt2Json = (model: object = {}, file: object = {}): object => ({
  version: "1.0",
  added_tokens: [
    {
      id: 50256,
      content: END_OF_TEXT,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: true,
      special: true,
    },
  ],
  normalizer: null,
  pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true },
  post_processor: { type: "ByteLevel", add_prefix_space: true, trim_offsets: false },
  model: {
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: "",
    end_of_word_suffix: "",
    fuse_unk: false,
    vocab: gpt2Vocab,
    merges: mergeLines,
    ...model,
  },
  ...file,
});

/** The least vocabulary there is: the 256 bytes, "ab", and end-of-text. */
const smallVocab: Record<string, number> = Object.fromEntries(
  [...byteToCharacter, "ab", END_OF_TEXT].map((token, id) => [token, id]),
);
const without = (token: string): object =>
  Object.fromEntries(Object.entries(smallVocab).filter(([name]) => name !== token));

describe("tokenizerFromJson", () => {
  it.each([
    ["strings", gpt2Json()],
    ["pairs", gpt2Json({ merges: mergeLines.map((line) => line.split(" ")), type: "BPE" })],
  ])("makes GPT-2's tokenizer, merges written as %s", (_, json) => {
    const tokenizer = tokenizerFromJson(json);
    expect([tokenizer.vocabSize, tokenizer.eot]).toEqual([50257, 50256]);
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(tokenizer.encode(text)).toEqual(gpt2.encode(text));
      }),
    );
  });

  it("knows added tokens beyond the vocabulary, the longest first, by their plain text", () => {
    const added_tokens = [
      { id: 258, content: "<a>" },
      { id: 259, content: "<a> é" },
    ];
    const json = gpt2Json({ vocab: smallVocab, merges: ["a b"] }, { added_tokens });
    const tokenizer = tokenizerFromJson(json);
    expect(tokenizer.vocabSize).toBe(260);
    expect([...tokenizer.addedTokens]).toEqual([
      ["<a>", 258],
      ["<a> é", 259],
      [END_OF_TEXT, 257],
    ]);
    const ids = tokenizer.encode("ab<a> é<a>");
    expect(ids).toEqual([256, 259, 258]);
    expect(tokenizer.decode(ids)).toBe("ab<a> é<a>");
  });

  it("finds added tokens by their flags", () => {
    const flags = { lstrip: "<left>", rstrip: "<right>", single_word: "<one>" };
    const added_tokens = Object.entries(flags).map(([flag, content], i) => ({
      ...{ id: 258 + i, content, [flag]: true },
    }));
    const tokenizer = tokenizerFromJson(gpt2Json({ vocab: smallVocab, merges: [] }, { added_tokens }));
    const [a, space] = [smallVocab.a, smallVocab[byteToCharacter[32]]];
    expect(tokenizer.encode("a  <left>  a")).toEqual([a, 258, space, space, a]);
    expect(tokenizer.encode("a <right>  a")).toEqual([a, space, 259, a]);
    expect(tokenizer.encode("a<one>a")).not.toContain(260);
    expect(tokenizer.encode("a<one> a")).not.toContain(260);
    expect(tokenizer.encode("a <one> a")).toEqual([a, space, 260, space, a]);
  });

  it.each<[string, object, string]>([
    ["a normalizer", gpt2Json({}, { normalizer: { type: "NFC" } }), "normalizer is {"],
    [
      "another pre-tokenizer",
      gpt2Json({}, { pre_tokenizer: { type: "Metaspace" } }),
      'pre_tokenizer.type is "Metaspace"; GPT-2\'s tokenizer has "ByteLevel"',
    ],
    [
      "a space put first",
      gpt2Json({}, { pre_tokenizer: { type: "ByteLevel", add_prefix_space: true } }),
      "pre_tokenizer.add_prefix_space is true",
    ],
    ["another model", gpt2Json({ type: "WordPiece" }), 'model.type is "WordPiece"'],
    ["byte fallback", gpt2Json({ byte_fallback: true }), "model.byte_fallback is true"],
    ["dropout", gpt2Json({ dropout: 0.1 }), "model.dropout is 0.1"],
    ["a suffix", gpt2Json({ end_of_word_suffix: "</w>" }), 'model.end_of_word_suffix is "</w>"'],
    [
      "a flag that is none",
      gpt2Json({}, { added_tokens: [{ id: 50257, content: "<mask>", lstrip: "yes" }] }),
      'added_tokens[0].lstrip is "yes"; GPT-2\'s tokenizer has false or true',
    ],
    [
      "an added token that the vocabulary has under another id",
      gpt2Json({}, { added_tokens: [{ id: 50257, content: "the" }] }),
      '"the" is 1169, and 50257 among the added tokens',
    ],
    [
      "an added token on the id of another",
      gpt2Json({}, { added_tokens: [{ id: 7, content: "<mask>" }] }),
      '"(" and "<mask>" share the id 7',
    ],
    [
      "an added token with no text",
      gpt2Json({}, { added_tokens: [{ id: 50257 }] }),
      "added_tokens[0].content is undefined",
    ],
    ["no merges", gpt2Json({ merges: undefined }), "model.merges is undefined; it must be a list"],
    ["a merge of three", gpt2Json({ merges: ["a b c"] }), 'model.merges[0]: ["a","b","c"] is not a merge'],
    ["a file that is no object", [], "tokenizer.json is []; it must be a JSON object"],
  ])("refuses %s", (_, json, message) => {
    expect(() => tokenizerFromJson(json)).toThrow(message);
  });
});

describe("tokenizerFromVocabAndMerges", () => {
  it.each(["a b", "a b\n", "#version: 0.2\na b\n", "#version: 0.2\r\na b\r\n"])(
    "reads the merges %j",
    (merges) => {
      expect(tokenizerFromVocabAndMerges(smallVocab, merges).encode("abba")).toEqual([
        256,
        smallVocab.b,
        smallVocab.a,
      ]);
    },
  );

  it("takes a merge of # with # for a merge, not a comment", () => {
    const vocab = { ...smallVocab, "##": 258 };
    expect(tokenizerFromVocabAndMerges(vocab, "# #").encode("###")).toEqual([258, smallVocab["#"]]);
  });

  it("reads tokens with the names of an object's own properties", () => {
    const vocab = JSON.parse(JSON.stringify(smallVocab).replace("{", '{"__proto__":258,')) as object;
    expect(tokenizerFromVocabAndMerges(vocab, "").decode([258])).toBe("__proto__");
    expect(() => tokenizerFromVocabAndMerges(smallVocab, "construct or")).toThrow(
      'needs the token "construct", which vocab.json does not have',
    );
  });

  it.each<[string, unknown, string, string]>([
    [
      "a merge whose result is missing",
      smallVocab,
      "#version: 0.2\na b\nb a\n",
      'merges.txt, line 3: the merge "b a" needs the token "ba", which vocab.json does not have',
    ],
    [
      "a merge whose part is missing",
      smallVocab,
      "xy z",
      'merges.txt, line 1: the merge "xy z" needs the token "xy"',
    ],
    ["a line of one token", smallVocab, "a b\nab", 'merges.txt, line 2: ["ab"] is not a merge'],
    ["a line of two spaces", smallVocab, "a  b", 'merges.txt, line 1: ["a","","b"] is not a merge'],
    ["a merge repeated", smallVocab, "a b\na b", 'merges.txt, line 2: the merge "a b" is repeated'],
    ["a vocabulary not yet parsed", "{}", "", 'vocab.json is "{}"; it must be a JSON object'],
    ["a vocabulary with no end-of-text", without(END_OF_TEXT), "", "vocab.json: <|endoftext|> is missing"],
    ["a vocabulary with a byte missing", without("é"), "", 'the token "é" for byte 233 is missing'],
    ["two tokens of one id", { ...smallVocab, ba: 3 }, "", '"ă" and "ba" share the id 3'],
    [
      "an id that is no integer",
      { ...smallVocab, ba: 0.5 },
      "",
      'the id of "ba" is 0.5; it must be an integer',
    ],
    ["an id out of all proportion", { ...smallVocab, ba: 1e9 }, "", 'the id of "ba" is 1000000000'],
    ["a token outside the alphabet", { ...smallVocab, "a b": 258 }, "", '"a b" has a character that stands'],
  ])("refuses %s", (_, vocab, merges, message) => {
    expect(() => tokenizerFromVocabAndMerges(vocab, merges)).toThrow(message);
  });

  it("says that an id in a gap of the vocabulary has no token", () => {
    const tokenizer = tokenizerFromVocabAndMerges({ ...smallVocab, ba: 260 }, "");
    expect(tokenizer.vocabSize).toBe(261);
    const holes = Array.from({ length: 263 }, (_, id) => id).filter((id) => !tokenizer.has(id));
    expect(holes).toEqual([258, 259, 261, 262]);
    for (const id of [-1, 0.5, NaN]) expect(tokenizer.has(id)).toBe(false);
    expect(() => tokenizer.decode([259])).toThrow("id 259 at position 0 is not in the vocabulary");
  });
});
