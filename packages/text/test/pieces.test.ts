/** Text in pieces: the ids are those of the whole, however it is cut. */
import fc from "fast-check";
import { get_encoding } from "tiktoken";
import { afterAll, describe, expect, it } from "vitest";
import { documentEncoder, type Encoder } from "../src/index.js";
import { LONGEST_WORD } from "../src/words.js";
import { gpt2 } from "./gpt2.js";

const reference = get_encoding("gpt2");
afterAll(() => reference.free());

/** All ids of a text that is cut into pieces of these sizes in turn, in UTF-16 code units. */
function inPieces(encoder: Encoder, text: string, sizes: readonly number[]): number[] {
  const ids: number[] = [];
  for (let at = 0, i = 0; at < text.length; at += sizes[i % sizes.length], i++) {
    ids.push(...encoder.write(text.slice(at, at + sizes[i % sizes.length])));
  }
  return [...ids, ...encoder.end()];
}

const piece = fc.oneof(
  fc.constantFrom(..." \t\n\r\u00a0\u0085\ufeff\u3000'srevlLmtd.,-_0'9½aé字𝒜😀\u200d\ufe0f\u0301\u0000"),
  fc.constantFrom("'s", "'re", "'ve", "'ll", "'LL", " '", "''", "'r", " the", "ing", "  ", "\r\n"),
  fc.constantFrom("<|endoftext|>", "<|end", "\n \n\t", "𝒜𝒜", "1𝟙", "\ud835", "\udc9c"),
);
const text = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(""));
const sizes = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 });

describe("text in pieces", () => {
  it("has the reference's ids, wherever it is cut, and text after text", () => {
    const encoder = gpt2.encoder();
    fc.assert(
      fc.property(text, sizes, (text, sizes) => {
        expect(inPieces(encoder, text, sizes)).toEqual(Array.from(reference.encode(text, [], [])));
      }),
      { numRuns: 1000 },
    );
  });

  it("has the reference's ids when it is cut at each place once", () => {
    const all =
      "We'll  see: they've'll 're\n\n x 's  \r\n\t12½ 字かな😀\u200d𝒜𝒜 ''ll\u0085 \ufeffend'r e'l l'v e  ";
    const expected = Array.from(reference.encode(all, [], []));
    for (let at = 0; at <= all.length; at++)
      expect(inPieces(gpt2.encoder(), all, [at || 1, 1e9])).toEqual(expected);
  });

  it("has end-of-text where it is written, when that is asked for", () => {
    const encoder = gpt2.encoder({ specialTokens: true });
    fc.assert(
      fc.property(text, sizes, (text, sizes) => {
        const whole = gpt2.encode(text, { specialTokens: true });
        expect(inPieces(encoder, text, sizes)).toEqual(whole);
        expect(whole.filter((id) => id === gpt2.eot)).toHaveLength(text.split("<|endoftext|>").length - 1);
      }),
    );
  });

  it("is given out as it comes: no more is held back than a word", () => {
    const encoder = gpt2.encoder();
    const words = ["It", " is", " my", " duty", " to", " report"];
    for (const [i, word] of words.entries()) {
      const before = i === 0 ? [] : gpt2.encode(words[i - 1]);
      expect(encoder.write(word)).toEqual(before);
    }
    expect(encoder.end()).toEqual(gpt2.encode(" report"));
    expect(encoder.end()).toEqual([]);
  });

  it("takes a word of 2^20 characters, and refuses a longer one before it fills the memory", () => {
    const spaces = " ".repeat(LONGEST_WORD);
    expect(gpt2.encode(`${spaces}x`)).toHaveLength(gpt2.encode(" ".repeat(LONGEST_WORD - 1)).length + 1);
    for (const letter of ["a", "\0", " ", "𝒜"]) {
      const encoder = gpt2.encoder();
      const write = () => {
        for (let length = 0; length <= LONGEST_WORD; length += 2 ** 18) encoder.write(letter.repeat(2 ** 18));
      };
      const begin = JSON.stringify(letter.repeat(20).slice(0, 20));
      expect(write).toThrow(`encode: a word of more than 1048576 characters, from ${begin} on`);
      expect(encoder.write("a b")).toEqual(gpt2.encode("a"));
    }
    expect(() => gpt2.encode(`${spaces}  x`)).toThrow(RangeError);
  });
});

describe("documentEncoder", () => {
  it("gives a document's ids and end-of-text, document after document", () => {
    const encoder = documentEncoder(gpt2);
    fc.assert(
      fc.property(text, sizes, (text, sizes) => {
        expect(inPieces(encoder, text, sizes)).toEqual([...gpt2.encode(text), gpt2.eot]);
      }),
    );
  });
});
