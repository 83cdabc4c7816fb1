/** Texts of any length: no more is read, or held, than the tokens that are asked for take. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline, Readable } from "node:stream";
import { createGzip, gzipSync } from "node:zlib";
import { readTokens } from "@normless/data";
import { encodeDocuments, type Tokenizer, writeLlmcShard } from "@normless/text";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sotuTokenizer } from "./data-folder.js";

const SENTENCE = "It is my duty to report to you that the people of the United States are at peace. ";
const MiB = 2 ** 20;

let folder: string;
let tokenizer: Tokenizer;
let server: Server;
let sent = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-endless-"));
  tokenizer = await sotuTokenizer();
  server = createServer((request, response) => {
    const name = (request.url ?? "").slice(1);
    const piece = pieceOf(name.replace(/\.gz$/, ""));
    sent = 0;
    function* endless() {
      for (;;) {
        sent += piece.length;
        yield piece;
      }
    }
    // The reader goes away in the middle, which is no error here.
    if (name.endsWith(".gz")) pipeline(Readable.from(endless()), createGzip(), response, () => {});
    else pipeline(Readable.from(endless()), response, () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

/** What a file of that name says again and again. */
function pieceOf(name: string): Uint8Array {
  // An llm.c shard whose header tells of ten tokens.
  if (name === "counted.bin")
    return new Uint8Array(Int32Array.of(20240520, 1, 10, ...new Int32Array(1021)).buffer);
  if (name.endsWith(".bin")) return new Uint8Array(4096).map((_, i) => (i % 2 === 0 ? i / 2 : 0));
  if (name.endsWith(".jsonl")) return Buffer.from(`${JSON.stringify({ text: SENTENCE })}\n`.repeat(50));
  if (name.startsWith("spaces")) return Buffer.from(" ".repeat(4096));
  return Buffer.from(SENTENCE.repeat(50));
}

const read = (path: string, tokens?: number) =>
  readTokens([path], { vocabSize: tokenizer.vocabSize, tokenizer }, { tokens });
const url = (name: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}`;

describe("what has no end", () => {
  it.each(["a.txt", "a.txt.gz", "a.jsonl", "a.jsonl.gz", "a.bin", "a.bin.gz"])(
    "is read as far as the tokens go that are asked for: %s",
    async (name) => {
      const texts = name.includes("jsonl") ? Array<string>(100).fill(SENTENCE) : [SENTENCE.repeat(100)];
      const expected = name.includes("bin")
        ? Uint16Array.from({ length: 1000 }, (_, i) => (i % 2048) % 256)
        : encodeDocuments(tokenizer, texts).subarray(0, 1000);
      expect(await read(url(name), 1000)).toEqual(expected);
      // gzip makes little of what repeats: its buffers hold more of it.
      expect(sent).toBeLessThan((name.endsWith(".gz") ? 64 : 4) * MiB);
    },
  );

  it("and whose header tells of an end is refused", async () => {
    await expect(read(url("counted.bin"), 1000)).rejects.toThrow(
      /counted\.bin: readShard: the llm\.c header says 10 tokens/,
    );
    expect(sent).toBeLessThan(4 * MiB);
  });

  it("and no word either is refused", async () => {
    await expect(read(url("spaces.txt"), 1000)).rejects.toThrow(
      /spaces\.txt: encode: a word of more than 1048576 characters, from " +" on\. .* is it text\?/,
    );
    expect(sent).toBeLessThan(8 * MiB);
  });
});

describe("a long text in a row", () => {
  const long = SENTENCE.repeat((4 * MiB) / SENTENCE.length);
  /** The tokenizer, and how many characters it was given. */
  function counting() {
    const given = { characters: 0 };
    const encoder: Tokenizer["encoder"] = (options) => {
      const inner = tokenizer.encoder(options);
      const write = (text: string) => {
        given.characters += text.length;
        return inner.write(text);
      };
      return { write, end: () => inner.end() };
    };
    return { given, tokenizer: { ...tokenizer, encoder } };
  }

  it("is encoded as far as the tokens go that are asked for", async () => {
    const files = {
      "row.jsonl": JSON.stringify({ text: long }),
      "row.parquet": new Uint8Array(parquetWriteBuffer({ columnData: [{ name: "text", data: [long] }] })),
    };
    const all = encodeDocuments(tokenizer, [long]);
    for (const [name, content] of Object.entries(files)) {
      await writeFile(join(folder, name), content);
      const { given, tokenizer: counted } = counting();
      const suits = { vocabSize: tokenizer.vocabSize, tokenizer: counted };
      const some = await readTokens([join(folder, name)], suits, { tokens: 1000 });
      expect(some).toEqual(all.slice(0, 1000));
      expect(given.characters).toBeLessThanOrEqual(MiB);
      const whole = await read(join(folder, name));
      expect(whole.length).toBe(all.length);
      expect(whole.every((id, i) => id === all[i])).toBe(true);
    }
  });
});

describe("a long reading", () => {
  it("counts its tokens for who listens, each million of them", async () => {
    const path = join(folder, "long.txt");
    const text = SENTENCE.repeat((12 * MiB) / SENTENCE.length);
    await writeFile(path, text);
    await writeFile(`${path}.gz`, gzipSync(text));
    for (const file of [path, `${path}.gz`]) {
      const heard: [string, number][] = [];
      const counted = (path: string, count: number) => heard.push([path, count]);
      const suits = { vocabSize: tokenizer.vocabSize, tokenizer };
      const { length } = await readTokens([file], suits, { counted });
      expect(heard.map(([path]) => path)).toEqual(Array(Math.floor(length / MiB)).fill(file));
      for (const [i, [, count]] of heard.entries()) {
        expect(count).toBeGreaterThanOrEqual((i + 1) * MiB);
        expect(count).toBeLessThan((i + 2) * MiB);
      }
    }
    await expect(read(join(folder, "none.txt"))).rejects.toThrow("there is no such file");
  });
});

describe("a blank document", () => {
  it("is left out, in however many parts it comes", async () => {
    const blank = " \n".repeat(MiB / 16);
    const path = join(folder, "blank.txt");
    await writeFile(path, ["", blank, "a b", `${blank}c`, blank, "\ufeff\u00a0", ""].join("<|endoftext|>"));
    expect(await read(path)).toEqual(encodeDocuments(tokenizer, ["a b", `${blank}c`]));
  });
});

describe("a shard that is read without knowing its size", () => {
  const tokens = Uint16Array.from({ length: 3000 }, (_, i) => i % 4096);
  const gzipped = async (name: string, bytes: Uint8Array) => {
    const path = join(folder, name);
    await writeFile(path, gzipSync(bytes));
    return path;
  };

  it("is checked at its end, which is looked at whenever it should be near", async () => {
    const whole = writeLlmcShard(tokens);
    const path = await gzipped("whole.bin.gz", whole);
    for (const limit of [1, 2999, 3000, 3001, undefined]) {
      expect(await read(path, limit)).toEqual(tokens.slice(0, limit));
    }
    const wrong =
      /wrong\.bin\.gz: readShard: the llm\.c header says 3000 tokens \(6000 bytes\), and \d+ bytes follow/;
    for (const bytes of [whole.subarray(0, -2), Buffer.concat([whole, new Uint8Array(2)])]) {
      const cut = await gzipped("wrong.bin.gz", bytes);
      await expect(read(cut)).rejects.toThrow(wrong);
      await expect(read(cut, 5000)).rejects.toThrow(wrong);
      expect(await read(cut, 100)).toEqual(tokens.slice(0, 100));
    }
    await expect(read(await gzipped("odd.bin.gz", new Uint8Array(2001)))).rejects.toThrow(
      "2001 bytes are no whole number of 2-byte tokens",
    );
    await expect(read(await gzipped("none.bin.gz", new Uint8Array()))).rejects.toThrow("the shard is empty");
    expect(await read(await gzipped("short.bin.gz", Uint8Array.of(7, 0, 1, 1)))).toEqual(
      Uint16Array.of(7, 257),
    );
  });
});
