/** Data files of every kind come to the same tokens. */
import { truncate } from "node:fs/promises";
import { basename } from "node:path";
import { gzipSync } from "node:zlib";
import { type FileRead, readTokens } from "@normless/data";
import {
  END_OF_TEXT,
  encodeDocuments,
  type Tokenizer,
  writeLlmcShard,
  writeNanogptShard,
} from "@normless/text";
import { compressors } from "hyparquet-compressors";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DataFolder, dataFolder, documents, jsonl, parquet } from "./data-folder.js";

let folder: DataFolder;
let tokenizer: Tokenizer;
let asked: string[];
beforeAll(async () => {
  folder = await dataFolder();
  ({ tokenizer, asked } = folder);
});
afterAll(() => folder.remove());

const file: DataFolder["file"] = (name) => folder.file(name);
const url: DataFolder["url"] = (name) => folder.url(name);
const write: DataFolder["write"] = (name, content) => folder.write(name, content);
const read: DataFolder["read"] = (path, options) => folder.read(path, options);
const expected = () => encodeDocuments(tokenizer, documents);

const listSchema = (type: "INT32" | "INT64") => [
  { name: "root", num_children: 1 },
  {
    name: "input_ids",
    repetition_type: "OPTIONAL" as const,
    num_children: 1,
    converted_type: "LIST" as const,
  },
  { name: "list", repetition_type: "REPEATED" as const, num_children: 1 },
  { name: "element", repetition_type: "OPTIONAL" as const, type },
];

describe("a corpus", () => {
  it("is the same tokens from text, jsonl, parquet and shards, packed or not", async () => {
    const text = documents.join(END_OF_TEXT);
    const lines = jsonl(documents.map((document, id) => ({ id, text: document })));
    const tokens = expected();
    const files = [
      await write("a.txt", text),
      await write("b.txt.gz", gzipSync(text)),
      await write("a.jsonl", lines),
      await write("b.jsonl.gz", gzipSync(lines)),
      await write("crlf.jsonl", lines.replaceAll("\n", "\r\n\r\n")),
      await write("a.parquet", parquet({ id: [0, 1, 2, 3], text: documents })),
      await write("a.bin", writeNanogptShard(tokens)),
      await write("b.bin", writeLlmcShard(tokens)),
      await write("b.bin.gz", gzipSync(writeNanogptShard(tokens))),
    ];
    for (const path of files) {
      expect([path, ...(await read(path))]).toEqual([path, ...tokens]);
      const name = basename(path);
      expect([name, ...(await read(url(name)))]).toEqual([name, ...tokens]);
    }
    expect([...(await readTokens(files.slice(0, 2), { vocabSize: 4096, tokenizer }))]).toEqual([
      ...tokens,
      ...tokens,
    ]);
  });

  it("takes the first tokens of all files together, of whatever kind", async () => {
    const tokens = expected();
    const files = [
      await write("first.txt", documents.join(END_OF_TEXT)),
      await write("second.bin", writeLlmcShard(tokens)),
      await write("third.jsonl", jsonl(documents.map((text) => ({ text })))),
    ];
    const all = [...tokens, ...tokens, ...tokens];
    for (const limit of [1, tokens.length, tokens.length + 1, 2 * tokens.length + 3, 4 * tokens.length]) {
      const some = await readTokens(files, { vocabSize: 4096, tokenizer }, { tokens: limit });
      expect([...some]).toEqual(all.slice(0, limit));
    }
  });

  it("tells what was read of each file", async () => {
    const tokens = expected();
    const rows = await write("told.jsonl", jsonl(documents.map((text) => ({ text }))));
    const shard = await write("told.bin", writeNanogptShard(tokens));
    const told: FileRead[] = [];
    const options = { tokens: tokens.length + 2, read: (file: FileRead) => void told.push(file) };
    await readTokens([rows, shard, shard], { vocabSize: 4096, tokenizer }, options);
    expect(told).toEqual([
      { path: rows, tokens: tokens.length, rows: documents.length },
      { path: shard, tokens: 2 },
    ]);
  });

  it("of more tokens than memory should hold is refused, and a part of it read", async () => {
    const path = await write("large.bin", writeNanogptShard(Uint16Array.of(7, 8, 9)));
    // A hole takes no room on the disk.
    await truncate(path, 2 * (2 ** 30 + 1));
    await expect(read(path)).rejects.toThrow(
      /large\.bin: 1,073,741,825 tokens are more than are held in memory, 1,073,741,824\. Read a part of them: tokens/,
    );
    expect([...(await read(path, { tokens: 4 }))]).toEqual([7, 8, 9, 0]);
  });

  it("takes lists of ids as they are, of int32, int64 and jsonl", async () => {
    const lists = [[1, 2, 3], [], [4095], [7, 8]];
    const ids = [1, 2, 3, 4095, 7, 8];
    const options = (type: "INT32" | "INT64") => ({ schema: listSchema(type) });
    const wide = lists.map((list) => list.map(BigInt));
    await write("int32.parquet", parquet({ input_ids: lists }, options("INT32")));
    await write("int64.parquet", parquet({ input_ids: wide }, options("INT64")));
    await write("ids.jsonl", jsonl(lists.map((tokens) => ({ tokens }))));
    await write("own.jsonl", jsonl(lists.map((own) => ({ text: "x", own }))));
    for (const name of ["int32.parquet", "int64.parquet", "ids.jsonl"]) {
      expect([name, ...(await read(file(name)))]).toEqual([name, ...ids]);
      expect([...(await readTokens([file(name)], { vocabSize: 4096 }))]).toEqual(ids);
    }
    expect([...(await read(file("own.jsonl"), { tokenColumn: "own" }))]).toEqual(ids);
  });

  it("prefers text to tokens where there is a tokenizer", async () => {
    const path = await write("both.jsonl", jsonl([{ input_ids: [5], text: "Union" }]));
    expect([...(await read(path))]).toEqual([...encodeDocuments(tokenizer, ["Union"])]);
    expect([...(await readTokens([path], { vocabSize: 4096 }))]).toEqual([5]);
    expect([
      ...(await read(await write("named.jsonl", jsonl([{ body: "Union" }])), { textColumn: "body" })),
    ]).toEqual([...encodeDocuments(tokenizer, ["Union"])]);
  });

  it("ends after so many rows or tokens, and does not read on", async () => {
    const tokens = expected();
    const two = encodeDocuments(tokenizer, documents.slice(0, 2));
    const broken = `${jsonl(documents.slice(0, 2).map((text) => ({ text })))}no JSON`;
    await write("broken.jsonl", broken);
    expect([...(await read(file("broken.jsonl"), { rows: 2 }))]).toEqual([...two]);
    await write("rows.parquet", parquet({ text: documents }));
    expect([...(await read(file("rows.parquet"), { rows: 3 }))]).toEqual([
      ...encodeDocuments(tokenizer, documents.slice(0, 3)),
    ]);
    for (const name of ["a.txt", "a.jsonl", "a.parquet", "a.bin"]) {
      expect([...(await read(file(name), { tokens: 5 }))]).toEqual([...tokens.subarray(0, 5)]);
    }
  });

  it("is fetched from a parquet file in ranges, only as far as it is needed", async () => {
    const long = Array.from({ length: 40 }, (_, i) => `${i} ${"citizens of the Union ".repeat(3000)}`);
    const bytes = parquet({ text: long, unread: long }, { codec: "UNCOMPRESSED" });
    await write("long.parquet", bytes);
    asked.length = 0;
    const tokens = await read(url("long.parquet"), { rows: 2 });
    expect([...tokens]).toEqual([...encodeDocuments(tokenizer, long.slice(0, 2))]);
    const fetched = asked
      .map((line) => /bytes=(\d+)-(\d*)/.exec(line))
      .reduce((sum, range) => sum + (range ? (Number(range[2]) || bytes.length) - Number(range[1]) : 0), 0);
    expect(asked.length).toBeGreaterThan(1);
    expect(fetched).toBeLessThan(bytes.length / 2);
  });

  it("is read from parquet in gzip and zstd too", async () => {
    expect(Object.keys(compressors)).toEqual(expect.arrayContaining(["GZIP", "ZSTD", "BROTLI"]));
    const packed = parquet(
      { text: documents },
      { codec: "GZIP", compressors: { GZIP: (input: Uint8Array) => new Uint8Array(gzipSync(input)) } },
    );
    expect([...(await read(await write("packed.parquet", packed)))]).toEqual([...expected()]);
  });
});
