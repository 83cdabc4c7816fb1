/** One document that is larger than the heap: read in pieces where it can be, and else refused, which V8's end is not. */
import { spawn } from "node:child_process";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildCommand, type BuiltCommand } from "../support/built.js";
import { writeTiny } from "../support/tiny.js";

/** Of old objects: the documents below are larger. */
const HEAP_MIB = 48;
const WORDS =
  "We the People of the United States, in Order to form a more perfect Union, establish Justice. ";
const PIECE = WORDS.repeat(2000);
const PIECES = 400;

let folder: string;
let model: string;
let built: BuiltCommand;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-one-document-"));
  ({ model } = await writeTiny(folder));
  built = await buildCommand();
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await built.remove();
});

/** A file with `PIECES` times the same text between two others. */
async function write(name: string, before: string, after: string): Promise<string> {
  const path = join(folder, name);
  const file = await open(path, "w");
  await file.write(before);
  for (let i = 0; i < PIECES; i++) await file.write(PIECE);
  await file.write(after);
  await file.close();
  return path;
}

function evaluate(data: string): Promise<{ code: number | null; said: string }> {
  const argv = ["eval", "--model", model, "--data", data, "--tokens", "1000", "--position-rows", "0"];
  const node = [`--max-old-space-size=${HEAP_MIB}`, built.command, ...argv, "--threads", "1"];
  const child = spawn(process.execPath, node, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (text: Buffer) => (said += text.toString()));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, said })));
}

it("as text is read no further than its first tokens", async () => {
  const { code, said } = await evaluate(await write("document.txt", "", ""));
  expect([code, said]).toEqual([0, expect.stringContaining("1,000")]);
});

it("as a line of jsonl is refused, by its line and with the way out", async () => {
  const { code, said } = await evaluate(await write("document.jsonl", '{"text": "', '"}\n'));
  expect([code, said]).toEqual([
    1,
    expect.stringMatching(/line 1 is longer than [\d,]+ characters, .* as \.txt/),
  ]);
});
