/** Text out of bytes, however they are cut. */
import { linesOf, textParts } from "@normless/data";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

describe("bytes that are no UTF-8", () => {
  const begin = new TextEncoder().encode("\ufeffaé𝄞");
  const wrong = [Uint8Array.of(0xff), Uint8Array.of(0xe9, 66), Uint8Array.of(0xf0, 0x9d, 0x20)];

  it("are named by their place, however the bytes are cut", async () => {
    for (const bad of wrong) {
      const bytes = Buffer.concat([begin, bad, Buffer.from("more")]);
      for (let size = 1; size <= bytes.length; size++) {
        async function* chunks() {
          for (let at = 0; at < bytes.length; at += size)
            yield await Promise.resolve(bytes.subarray(at, at + size));
        }
        await expect(linesOf(chunks()).next()).rejects.toThrow(
          `no character is at byte ${begin.length}. Convert it, for example with iconv`,
        );
      }
    }
  });
});

/** The bytes of a text, cut into chunks of these sizes in turn. */
async function* cut(text: string, sizes: readonly number[]) {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const end = at + sizes[i % sizes.length];
    yield await Promise.resolve(bytes.subarray(at, end));
    at = end;
  }
}

describe("text in parts", () => {
  const piece = fc.constantFrom("<", "|", "<|", "|>", "é", "𝄞", "<|x|>", "ab", "\n");
  const text = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(""));
  const sizes = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 });

  it("is what split gives, however the bytes are cut", async () => {
    await fc.assert(
      fc.asyncProperty(text, fc.constantFrom("<|x|>", "|", "ab"), sizes, async (text, separator, sizes) => {
        const found = [""];
        let longest = 0;
        for await (const part of textParts(cut(text, sizes), separator)) {
          found[found.length - 1] += part.text;
          longest = Math.max(longest, part.text.length);
          if (part.ends) found.push("");
        }
        expect(found).toEqual([...text.split(separator), ""]);
        // What comes is given on: no part is longer than a chunk, a character before it, and what may begin a separator.
        expect(longest).toBeLessThan(Math.max(...sizes) + 3 + separator.length);
      }),
    );
  });

  it("has lines, and the number of one that no string can hold", async () => {
    await fc.assert(
      fc.asyncProperty(text, sizes, async (text, sizes) => {
        const lines = text.split("\n");
        const longest = Math.max(...lines.map((line) => line.length));
        const found: string[] = [];
        for await (const line of linesOf(cut(text, sizes), longest)) found.push(line);
        expect(found).toEqual(lines);
        const reading = async () => {
          for await (const line of linesOf(cut(text, sizes), longest - 1)) void line;
        };
        const number = lines.findIndex((line) => line.length === longest) + 1;
        await expect(reading()).rejects.toThrow(
          `line ${number} is longer than ${longest - 1} characters, the most that a text can have here; break it`,
        );
      }),
    );
  });
});
