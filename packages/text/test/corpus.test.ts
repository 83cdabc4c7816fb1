import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeDocuments } from "../src/index.js";
import { gpt2 } from "./gpt2.js";

describe("encodeDocuments", () => {
  it("puts end-of-text after each document, and there only", () => {
    const document = fc.oneof(fc.string(), fc.constant("<|endoftext|>"));
    fc.assert(
      fc.property(fc.array(document, { maxLength: 6 }), (documents) => {
        const tokens = encodeDocuments(gpt2, documents);
        const expected = documents.flatMap((text) => [...gpt2.encode(text), gpt2.eot]);
        expect(tokens).toEqual(Uint16Array.from(expected));
        expect(tokens.filter((id) => id === gpt2.eot)).toHaveLength(documents.length);
      }),
    );
  });

  it("takes documents one at a time from any iterable", () => {
    function* documents(): Generator<string> {
      yield "one";
      yield "two";
    }
    expect(encodeDocuments(gpt2, documents())).toEqual(encodeDocuments(gpt2, ["one", "two"]));
  });

  it("refuses a vocabulary whose ids do not fit uint16", () => {
    const large = { ...gpt2, vocabSize: 65_537 };
    expect(() => encodeDocuments(large, ["a"])).toThrow("the vocabulary has 65537 tokens");
    expect(encodeDocuments({ ...gpt2, vocabSize: 65_536 }, ["a"])).toHaveLength(2);
  });
});
