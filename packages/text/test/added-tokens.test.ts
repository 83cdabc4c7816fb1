/** Added tokens beside a naive search of the whole text, as tokenizers does it. test/peers has tokenizers itself. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AddedToken, addedTokenFinder } from "../src/tokenizer/added-tokens.js";
import { gpt2 } from "./gpt2.js";

type Part = string | number;

/** find_matches of tokenizers' added_vocabulary.rs, over a whole text. */
function naiveMatches(added: readonly AddedToken[], text: string): Part[] {
  const parts: Part[] = [];
  let from = 0;
  let at = 0;
  const word = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;
  while (at < text.length) {
    const [found] = added
      .filter(({ content }) => text.startsWith(content, at))
      .sort((a, b) => b.content.length - a.content.length);
    if (found === undefined) {
      at++;
      continue;
    }
    const end = at + found.content.length;
    const beside = [[...text.slice(0, at)].at(-1), [...text.slice(end)].at(0)];
    if (found.singleWord && beside.some((one) => one !== undefined && word.test(one))) {
      at = end;
      continue;
    }
    const spaces = (part: string, pattern: RegExp) => pattern.exec(part)![0].length;
    const begin = found.lstrip ? Math.max(from, at - spaces(text.slice(0, at), /\p{White_Space}*$/u)) : at;
    const stop = found.rstrip ? end + spaces(text.slice(end), /^\p{White_Space}*/u) : end;
    at = end;
    // tokenizers leaves an empty match out, and ends with "bad split" where it would be less than empty.
    if (begin >= stop) continue;
    if (from < begin) parts.push(text.slice(from, begin));
    parts.push(found.id);
    from = stop;
  }
  if (from < text.length) parts.push(text.slice(from));
  return parts;
}

function naive(added: readonly AddedToken[], text: string): Part[] {
  const first = naiveMatches(
    added.filter(({ normalized }) => !normalized),
    text,
  );
  const second = added.filter(({ normalized }) => normalized);
  return first.flatMap((part) => (typeof part === "number" ? [part] : naiveMatches(second, part)));
}

/** What the finder gives, texts that nothing parts joined. */
function found(added: readonly AddedToken[], text: string, sizes: readonly number[]): Part[] {
  const parts: Part[] = [];
  let open = "";
  const close = () => {
    if (open !== "") parts.push(open);
    open = "";
  };
  const sink = addedTokenFinder(added)({
    text: (piece) => void (open += piece),
    token: (id) => {
      close();
      parts.push(id);
    },
    end: close,
  });
  for (let at = 0, i = 0; at < text.length; at += sizes[i % sizes.length], i++) {
    sink.text(text.slice(at, at + sizes[i % sizes.length]));
  }
  sink.end();
  return parts;
}

const letter = fc.constantFrom("a", "b", " ", "\n", "<", "_", "é", "𝒜", "😀");
const flags = {
  singleWord: fc.boolean(),
  lstrip: fc.boolean(),
  rstrip: fc.boolean(),
  normalized: fc.boolean(),
};
const added = fc
  .uniqueArray(fc.string({ unit: letter, minLength: 1, maxLength: 4 }), { maxLength: 5 })
  .chain((contents) =>
    fc.tuple(
      ...contents.map((content, id) =>
        fc.record({ content: fc.constant(content), id: fc.constant(id), ...flags }),
      ),
    ),
  );
const sizes = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 });

describe("added tokens", () => {
  it("are found as a naive search of the whole text finds them, however it is cut", () => {
    const text = added.chain((tokens) => {
      const contents = tokens.map(({ content }) => content);
      const pieces = contents.length === 0 ? letter : fc.oneof(letter, fc.constantFrom(...contents));
      return fc.tuple(fc.constant(tokens), fc.array(pieces, { maxLength: 20 }));
    });
    fc.assert(
      fc.property(text, sizes, ([tokens, pieces], sizes) => {
        const whole = pieces.join("");
        const expected = naive(tokens, whole);
        expect(found(tokens, whole, [whole.length + 1])).toEqual(expected);
        expect(found(tokens, whole, sizes)).toEqual(expected);
      }),
      { numRuns: 5000 },
    );
  });

  it("that take white space hold it back, and refuse more than memory is for", () => {
    const mask = {
      content: "<mask>",
      id: 7,
      singleWord: false,
      lstrip: true,
      rstrip: true,
      normalized: false,
    };
    const spaces = " ".repeat(5_000);
    expect(found([mask], `a${spaces}<mask>${spaces}b${spaces}`, [100])).toEqual(["a", 7, `b${spaces}`]);
    const sink = addedTokenFinder([mask])({ text: () => {}, token: () => {}, end: () => {} });
    expect(() => {
      for (let i = 0; i < 5; i++) sink.text(" ".repeat(2 ** 18));
    }).toThrow("more than 1048576 characters of white space beside an added token that takes it");
  });

  it("are none in a tokenizer that has none but end-of-text", () => {
    expect([...gpt2.addedTokens]).toEqual([["<|endoftext|>", 50256]]);
  });
});
