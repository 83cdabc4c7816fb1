/** What reading data says to somebody at a command line: the names of options, the nearest column, a count. */
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readModelFolder } from "@normless/gpt2/node";
import { writeNanogptShard } from "@normless/text";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readCorpus } from "../../src/data/corpus.js";
import { UsageError } from "../../src/errors.js";
import { run, writeTiny } from "../support/tiny.js";

let folder: string;
let model: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-words-"));
  ({ model } = await writeTiny(folder));
});
afterAll(() => rm(folder, { recursive: true }));

async function write(name: string, content: string | Uint8Array): Promise<string> {
  await writeFile(join(folder, name), content);
  return join(folder, name);
}
const evaluated = (...argv: string[]) => run(["eval", "--model", model, "--threads", "1", "--data", ...argv]);

it("a column is asked for by its option, and the nearest one named", async () => {
  const path = await write("body.jsonl", '{"body": "a"}\n');
  const none = await evaluated(path);
  expect(none.code).toBe(2);
  expect(none.err).toContain(
    `${path}: there is no column "text", nor one of tokens (input_ids or tokens); the columns are body. ` +
      "Name the one to read: --text-column NAME, or --token-column NAME\n",
  );
  const misspelt = await evaluated(path, "--text-column", "bdy");
  expect(misspelt.code).toBe(2);
  expect(misspelt.err).toContain('there is no column "bdy"; the columns are body. Did you mean "body"?\n');
});

it("text without a tokenizer is refused with what to give instead", async () => {
  const path = await write("text.jsonl", '{"text": "a"}\n');
  const reading = readCorpus([path], { vocabSize: 5 });
  await expect(reading).rejects.toThrow(UsageError);
  await expect(reading).rejects.toThrow(
    /text\.jsonl: holds text, and .*; add one, or give tokens \(--token-column\)$/,
  );
});

it("more tokens than fit are asked for in part by either option, and are no usage error", async () => {
  const path = await write("large.bin", writeNanogptShard(Uint16Array.of(7, 8, 9)));
  // A hole takes no room on the disk.
  await truncate(path, 2 * (2 ** 30 + 1));
  const { code, err } = await evaluated(path);
  expect(code).toBe(1);
  expect(err).toContain(
    "large.bin: 1,073,741,825 tokens are more than are held in memory, 1,073,741,824. " +
      "Read a part of them: --train-tokens N for training, --tokens N elsewhere\n",
  );
});

it("a long reading counts its tokens where somebody watches, and cleans up", async () => {
  const path = await write("long.txt", "It is my duty. ".repeat(200_000));
  const lines: string[] = [];
  const io = { terminal: { write: (line: string) => lines.push(line) } };
  const { tokenizer } = await readModelFolder(model);
  await readCorpus([path], { vocabSize: 257, tokenizer, io });
  const counts = lines.filter((line) => line !== "\r\u001b[K");
  expect(counts.length).toBeGreaterThan(1);
  for (const line of counts) expect(line).toMatch(/reading .*long\.txt: [\d,]+ tokens$/);
  expect(lines.at(-1)).toBe("\r\u001b[K");
});
