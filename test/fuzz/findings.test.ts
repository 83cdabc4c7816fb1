/** What searches found, and files like the seeds: each ends in a result or in an error that says what is wrong. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { randomAt } from "@normless/random";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mutated } from "./mutate.js";
import { type Target, tryFile } from "./target.js";

const url = (path: string) => new URL(path, import.meta.url);
const formats = readdirSync(url("targets")).map((name) => name.replace(/\.ts$/, ""));
const findings = (format: string) => {
  const folder = url(`findings/${format}/`);
  return existsSync(folder) ? readdirSync(folder).map((name) => new URL(name, folder)) : [];
};

describe.each(formats)("%s", (format) => {
  const target = async () => ((await import(`./targets/${format}.ts`)) as { readonly target: Target }).target;

  it("ends well with all that was found, and reads what is right", async () => {
    const one = await target();
    const outcomes = new Set<string | undefined>();
    // One after the other: some of them take the same file's place.
    for (const bytes of await one.seeds()) outcomes.add(await tryFile(one, bytes));
    expect(outcomes.has(undefined)).toBe(true);
    expect(outcomes.size).toBeGreaterThan(3);
    for (const file of findings(format)) await tryFile(one, new Uint8Array(readFileSync(file)));
  });

  it("ends well with any mutation", async () => {
    const one = await target();
    const seeds = await one.seeds();
    const seed = fc.constantFrom(...seeds);
    await fc.assert(
      fc.asyncProperty(seed, seed, fc.nat(), async (bytes, other, draw) => {
        await tryFile(one, mutated(bytes, randomAt(draw), other));
      }),
      { numRuns: 50 },
    );
  });
});

it("a slip of a program is no typed error, nor is one without a name, in too many words or with what a terminal obeys", async () => {
  const thrown = (error: Error): Target => ({
    seeds: () => Promise.resolve([]),
    read: () => Promise.reject(error),
    errors: [SyntaxError],
    names: /a-file/,
    reader: [],
  });
  const wrong: readonly [Error, string][] = [
    [new TypeError("a-file"), "the error is a TypeError"],
    [new SyntaxError("no"), "the message does not name the file"],
    [new SyntaxError("a-file \u001b[2J"), "the message has a control character"],
    [new SyntaxError(`a-file ${"x".repeat(3000)}`), "the message has 3007 characters"],
    [
      new SyntaxError("a-file", { cause: new RangeError("Maximum call stack size exceeded") }),
      "it comes of a limit of the engine",
    ],
    [
      new SyntaxError("a-file", { cause: new TypeError("Cannot read properties of null") }),
      "it comes of a slip in the program",
    ],
  ];
  for (const [error, fault] of wrong) {
    await expect(tryFile(thrown(error), new Uint8Array())).rejects.toThrow(fault);
  }
  expect(await tryFile(thrown(new SyntaxError("a-file")), new Uint8Array())).toBe("SyntaxError: a-file");
});
