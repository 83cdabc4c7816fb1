/** What others wrote: JSON nested as deep as it likes, and text that a terminal would obey. */
import fc from "fast-check";
import {
  FormatError,
  MOST_NESTED,
  parseJson,
  printable,
  show,
  tokenizerFromFiles,
  tokenizerFromJson,
} from "@normless/text";
import { describe, expect, it } from "vitest";

const nested = (levels: number, [open, close] = ["[", "]"]) => open.repeat(levels) + close.repeat(levels);

describe("JSON", () => {
  it("is read as deep as serde_json reads it, and no deeper", () => {
    expect(parseJson(nested(MOST_NESTED), "a.json")).toEqual(JSON.parse(nested(MOST_NESTED)));
    for (const levels of [MOST_NESTED + 1, 100_000]) {
      for (const text of [nested(levels), nested(levels, ['{"a":', "}"]).replace(":}", ":1}")]) {
        expect(() => parseJson(text, "a.json")).toThrow(
          "a.json has more than 127 lists and objects inside of each other",
        );
      }
    }
  });

  it("that is none is said with its name", () => {
    expect(() => parseJson("[1", "a.json")).toThrow(FormatError);
    expect(() => parseJson("[1", "a.json")).toThrow(/^a\.json is not JSON: /);
  });

  it("of thousands of brackets is refused in every file of a tokenizer, parsed or not", () => {
    for (const file of ["tokenizer.json", "vocab.json"]) {
      const files = { "merges.txt": "", [file]: `{"model": ${nested(20_000)}}` };
      expect(() => tokenizerFromFiles(files)).toThrow(`${file} has more than 127 lists`);
    }
    const deep: unknown = JSON.parse(`{"model": ${nested(20_000)}}`);
    expect(() => tokenizerFromJson(deep)).toThrow("tokenizer.json has more than 127 lists");
  });
});

describe("a text that is shown", () => {
  it("has nothing that a terminal obeys and no end of a line", () => {
    const parts = fc.constantFrom(
      "\u001b[31m",
      "\u009b2J",
      "\n",
      "\r",
      "\u202e",
      "\u2028",
      "\u200b",
      "\ud800",
      "é",
      "😀",
      "a",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(parts, fc.string({ unit: "binary" }))), (all) => {
        const text = printable(all.join(""));
        expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
        expect(printable(text)).toBe(text);
      }),
    );
    expect(printable("é😀 \u001b[31m\n")).toBe("é😀 \\u{1b}[31m\\u{a}");
  });

  it("is short, whatever the value: of bytes only their number", () => {
    expect(show("x".repeat(1000))).toHaveLength(81);
    expect(show({ a: new Float32Array(2 ** 20) })).toBe('{"a":"4194304 bytes"}');
    expect(show("\u009b2J")).toBe('"\\u{9b}2J"');
    expect(show(undefined)).toBe("undefined");
  });

  it("is every error's about a tokenizer", () => {
    const files = { "vocab.json": JSON.stringify({ "\u001b[31m": "\u009b" }), "merges.txt": "" };
    expect(() => tokenizerFromFiles(files)).toThrow(
      'vocab.json: the id of "\\u001b[31m" is "\\u{9b}"; it must be an integer',
    );
  });
});
