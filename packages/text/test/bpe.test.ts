import fc from "fast-check";
import { get_encoding } from "tiktoken";
import { afterAll, describe, expect, it } from "vitest";
import { gpt2 } from "./gpt2.js";

// The reference is OpenAI's own tokenizer, in Rust compiled to WebAssembly.
const reference = get_encoding("gpt2");
afterAll(() => reference.free());
const expected = (text: string): number[] => Array.from(reference.encode(text, [], []));

const nasty: Record<string, string> = {
  "an empty string": "",
  "a sentence": "Hello world, this is GPT-2's tokenizer!",
  contractions: "It's we'll WE'LL they've I'm you'd don't can'T 's 'LL ''s 're're",
  emoji: "😀😃 🙂🇺🇳 ✌🏽",
  "joined emoji": "👩‍👩‍👧‍👦🏳️‍🌈",
  Chinese: "我们人民，为了组织一个更完善的联邦。漢字 かな カナ 한국어",
  "combining marks": "e\u0301 n\u0303 Z̸̡͌a̶͇͝l̷̢̈g̸o",
  "right to left": "שלום עולם مرحبا ١٢٣",
  "control characters": "\u0000\u0001\u0007\u001b[0m\u007f\u009f\u001c\u001f",
  "runs of spaces": "   a  b      c   ",
  "runs of newlines": "\n\n\na\n \n  \n\tb\n\n",
  CRLF: "a\r\nb\r\n\r\n  c\r",
  "no-break spaces": "a\u00a0b \u00a0\u00a0 c\u202fd\u2007",
  "spaces only JavaScript or only Unicode knows":
    "a\ufeffb \ufeff c\u0085d \u0085\u0085 e\u180ef\u200bg\u3000h\u2028i",
  "a leading byte-order mark": "\ufeffHello",
  "digits and numbers": "3.14159 1,000,000 Ⅷ ½ ² ٣ 一二三",
  "special tokens as text": "a<|endoftext|>b",
  code: "for (let i = 0; i < n; ++i) {\n    x[i] += `${y}`;\t// ok\n}",
  "a word of 3,000 letters": "a".repeat(2_000) + "b".repeat(1_000),
  "private use and non-characters": "\ue000\uffff\u{10ffff}\u{fffff}",
};

describe("encode", () => {
  it.each(Object.entries(nasty))("gives the reference's ids: %s", (_, text) => {
    const ids = gpt2.encode(text);
    expect(ids).toEqual(expected(text));
    expect(gpt2.decode(ids)).toBe(text);
  });

  it("gives the reference's ids for any string of troublesome pieces", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        ..." \t\n\r\u00a0\u0085\ufeff'sdtSLvm.,-_0'9aé字😀\u200d\ufe0f\u0301\ud83d\ude00\u0000",
      ),
      fc.constantFrom("'s", "'ll", "'LL", " the", "ing", "  ", "\r\n", "<|endoftext|>", "\ud800", "\udc00"),
      fc.string({ unit: "binary-ascii", maxLength: 4 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join("");
        expect(gpt2.encode(text)).toEqual(expected(text));
      }),
      { numRuns: 500 },
    );
  });

  it("gives the reference's ids for strings of any character", () => {
    // A fixed seed: the two may know different versions of Unicode, and so differ on characters new in between.
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), (text) => {
        expect(gpt2.encode(text)).toEqual(expected(text));
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it("encodes a word of 100,000 letters, on which the reference takes seconds", () => {
    const ids = gpt2.encode("a".repeat(100_000));
    expect(ids).toEqual(Array<number>(25_000).fill(expected("aaaa")[0]));
  });

  it("encodes a lone surrogate as U+FFFD", () => {
    expect(gpt2.encode("a\ud83d b\ude00")).toEqual(gpt2.encode("a\ufffd b\ufffd"));
  });

  it("finds special tokens only when asked to", () => {
    const text = "<|endoftext|>a<|endoftext|><|endoftext|> b";
    const { eot } = gpt2;
    expect(eot).toBe(50256);
    expect(gpt2.encode(text)).not.toContain(eot);
    expect(gpt2.encode(text, { specialTokens: true })).toEqual([
      eot,
      ...gpt2.encode("a"),
      eot,
      eot,
      ...gpt2.encode(" b"),
    ]);
  });
});

describe("decode", () => {
  it("returns what was encoded, for every well-formed string", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 60 }), fc.boolean(), (text, specialTokens) => {
        expect(gpt2.decode(gpt2.encode(text, { specialTokens }))).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  it("gives exact bytes where a character is cut in two", () => {
    const [first] = gpt2.encode("😀");
    expect(gpt2.decodeBytes([first])).toEqual(new TextEncoder().encode("😀").slice(0, 3));
    expect(gpt2.decode([first])).toBe("\ufffd");
  });

  it.each([50257, -1, 1.5, NaN])("refuses the id %s and says where it is", (id) => {
    expect(() => gpt2.decode([1, id])).toThrow(
      `id ${id} at position 1 is not in the vocabulary of 50257 tokens (0 to 50256)`,
    );
  });
});
