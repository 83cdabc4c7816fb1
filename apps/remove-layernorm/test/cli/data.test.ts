/** Data files of every kind come to the same tokens, and what is wrong in them is said with its place. */
import { createServer, type Server } from "node:http";
import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import {
  END_OF_TEXT,
  encodeDocuments,
  type Tokenizer,
  tokenizerFromVocabAndMerges,
  writeLlmcShard,
  writeNanogptShard,
} from "@normless/text";
import fc from "fast-check";
import { compressors } from "hyparquet-compressors";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { linesOf, textParts } from "../../src/data/bytes.js";
import { readHellaswag } from "../../src/data/hellaswag.js";
import { readLambada } from "../../src/data/lambada.js";
import { type CorpusOptions, readCorpus } from "../../src/data/corpus.js";

let folder: string;
let tokenizer: Tokenizer;
let server: Server;
/** Paths asked of the server, with the ranges. */
const asked: string[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-data-"));
  const sotu = (file: string) =>
    readFile(new URL(`../../../../models/sotu/${file}`, import.meta.url), "utf8");
  tokenizer = tokenizerFromVocabAndMerges(JSON.parse(await sotu("vocab.json")), await sotu("merges.txt"));
  server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "", "http://localhost");
    asked.push(`${request.method} ${pathname} ${request.headers.range ?? ""}`.trimEnd());
    readFile(join(folder, basename(pathname))).then(
      (bytes) => {
        const range = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? "");
        if (!range) return response.writeHead(200, { "content-length": bytes.length }).end(bytes);
        const begin = Number(range[1]);
        const end = range[2] === "" ? bytes.length : Number(range[2]) + 1;
        return response
          .writeHead(206, { "content-range": `bytes ${begin}-${end - 1}/${bytes.length}` })
          .end(bytes.subarray(begin, end));
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

const documents = ["Fellow citizens of the Senate", "the Union,\nand the House — é", "a", "We the People"];
const file = (name: string) => join(folder, name);
const url = (name: string) =>
  `http://127.0.0.1:${(server.address() as AddressInfo).port}/data/${name}?download=true`;
async function write(name: string, content: string | Uint8Array): Promise<string> {
  await writeFile(file(name), content);
  return file(name);
}
const read = (path: string, options?: CorpusOptions) =>
  readCorpus([path], { vocabSize: tokenizer.vocabSize, tokenizer }, options);
const expected = () => encodeDocuments(tokenizer, documents);
const jsonl = (rows: readonly object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

/** A parquet file of two-row groups. `int64` writes ids as such, which are read as bigints. */
function parquet(
  columns: Record<string, unknown[]>,
  more: Partial<Parameters<typeof parquetWriteBuffer>[0]> = {},
) {
  const columnData = Object.entries(columns).map(([name, data]) => ({ name, data }));
  return new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: 2, ...more }));
}
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
    expect([...(await readCorpus(files.slice(0, 2), { vocabSize: 4096, tokenizer }))]).toEqual([
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
      const some = await readCorpus(files, { vocabSize: 4096, tokenizer }, { tokens: limit });
      expect([...some]).toEqual(all.slice(0, limit));
    }
  });

  it("of more tokens than memory should hold is refused, and a part of it read", async () => {
    const path = await write("large.bin", writeNanogptShard(Uint16Array.of(7, 8, 9)));
    // A hole takes no room on the disk.
    await truncate(path, 2 * (2 ** 30 + 1));
    await expect(read(path)).rejects.toThrow(
      /large\.bin: 1,073,741,825 tokens are more than are held in memory, .* --train-tokens N/,
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
      expect([...(await readCorpus([file(name)], { vocabSize: 4096 }))]).toEqual(ids);
    }
    expect([...(await read(file("own.jsonl"), { tokenColumn: "own" }))]).toEqual(ids);
  });

  it("prefers text to tokens where there is a tokenizer", async () => {
    const path = await write("both.jsonl", jsonl([{ input_ids: [5], text: "Union" }]));
    expect([...(await read(path))]).toEqual([...encodeDocuments(tokenizer, ["Union"])]);
    expect([...(await readCorpus([path], { vocabSize: 4096 }))]).toEqual([5]);
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

describe("what is wrong in a corpus", () => {
  const refusal = async (path: string, options?: CorpusOptions) =>
    read(path, options).then(
      () => "it was read",
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );

  it("in jsonl is named by its line", async () => {
    const good = '{"text": "a"}\n';
    expect(await refusal(await write("1.jsonl", `${good}\n{"text": "b"\n`))).toMatch(
      /1\.jsonl: line 3 is not JSON: /,
    );
    expect(await refusal(await write("2.jsonl", `${good}{"txt": "b"}\n`))).toMatch(
      /2\.jsonl: line 2: there is no field "text"; the fields are txt/,
    );
    expect(await refusal(await write("3.jsonl", `${good}{"text": null}\n`))).toMatch(
      /3\.jsonl: line 2: "text" is null, not a text/,
    );
    expect(await refusal(await write("4.jsonl", "[1]\n"))).toMatch(/line 1 is no JSON object/);
    expect(await refusal(await write("5.jsonl", "\n"))).toMatch(/5\.jsonl: the file is empty/);
    expect(await refusal(await write("6.jsonl", '{"tokens": [1, 2.5]}'))).toMatch(
      /line 1: "tokens"\[1\] is 2\.5, not a token id/,
    );
    expect(await refusal(await write("7.jsonl", '{"tokens": [1, 5000]}'))).toMatch(
      /token 1 has id 5000, outside the model's vocabulary of 4096/,
    );
    expect(await refusal(await write("8.jsonl", '{"tokens": 3}'))).toMatch(
      /"tokens" is a number, not a list/,
    );
  });

  it("in parquet is named by its row, and a column that is not there by those that are", async () => {
    const path = await write("null.parquet", parquet({ text: ["a", "b", null], n: [1, 2, 3] }));
    expect(await refusal(path)).toMatch(/null\.parquet: row 3: "text" is null/);
    expect(await refusal(path, { textColumn: "body" })).toMatch(
      /there is no column "body"; the columns are text, n/,
    );
    expect(await refusal(path, { tokenColumn: "n" })).toMatch(/row 1: "n" is a number, not a list/);
    expect(await refusal(await write("n.parquet", parquet({ n: [1] })))).toMatch(
      /no column "text", nor one of tokens .* the columns are n\. Name the one to read: --text-column/,
    );
    expect(await refusal(await write("empty.parquet", ""))).toMatch(
      /empty\.parquet: is no parquet file: it is empty/,
    );
    for (const text of ["PAR0", "only text, of some length"]) {
      expect(await refusal(await write("no.parquet", text))).toMatch(
        /no\.parquet: is no parquet file: it does not begin with PAR1\. A name must end with what is in it: \.bin, /,
      );
    }
    const whole = parquet({ text: documents }, { codec: "UNCOMPRESSED" });
    expect(await refusal(await write("cut.parquet", whole.subarray(0, -9)))).toMatch(
      /cut\.parquet: is no whole parquet file \(.*\); was it truncated\?/,
    );
    const damaged = whole.slice().fill(0xff, 4, 60);
    expect(await refusal(await write("damaged.parquet", damaged))).toMatch(
      /damaged\.parquet: rows 1 to 2 cannot be read \(.*\); is the file damaged\?/,
    );
    await mkdir(file("folder.parquet"));
    expect(await refusal(file("folder.parquet"))).toMatch(/folder\.parquet: is a folder; name a file in it/);
    expect(await refusal(file("gone.parquet"))).toMatch(/gone\.parquet: there is no such file/);
  });

  it("behind a URL is named by it", async () => {
    expect(await refusal(url("gone.jsonl"))).toMatch(/^http:.*gone\.jsonl.*: the server answers 404/);
    expect(await refusal(url("gone.parquet"))).toMatch(/^http:.*gone\.parquet.*: the server answers 404/);
    for (const name of ["a.txt", "a.parquet"]) {
      expect(await refusal(`http://127.0.0.1:9/${name}`)).toMatch(/: cannot be reached: bad port/);
    }
    expect(await refusal(url("no.parquet"))).toMatch(/no\.parquet.*: is no parquet file/);
    expect(await refusal(url("a.npy"))).toContain("is none of the files that are read");
  });

  it("in packed files is said", async () => {
    const cut = gzipSync("x".repeat(1000)).subarray(0, 20);
    expect(await refusal(await write("cut.txt.gz", cut))).toMatch(/is no whole gzip file/);
    expect(await refusal(await write("cut.txt.bz2", "BZh9 and no more"))).toMatch(/is no whole bzip2 file/);
    expect(await refusal(await write("blank.jsonl", '{"text": " "}\n'))).toMatch(
      /no row has anything in "text"/,
    );
  });
});

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

  it("are named with their file", async () => {
    await expect(read(await write("latin.txt", Uint8Array.of(65, 233, 66)))).rejects.toThrow(
      /latin\.txt: is no UTF-8: no character is at byte 1\. /,
    );
    await expect(read(await write("cut.txt", begin.subarray(0, -1)))).rejects.toThrow(
      /cut\.txt: ends inside a UTF-8 character, at byte 9; was it truncated\?/,
    );
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

describe("HellaSwag", () => {
  const text = fileURLToPath(new URL("../fixtures/hellaswag.txt", import.meta.url));

  it("is read from text with six lines an item", async () => {
    const items = await readHellaswag(text);
    expect(items).toHaveLength(20);
    expect(items[0]).toEqual({
      activity: "Roof shingle removal",
      context: "A man is sitting on a roof. he",
      endings: [
        "is using wrap to wrap a pair of skis.",
        "is ripping level tiles off.",
        "is holding a rubik's cube.",
        "starts pulling up roofing on a roof.",
      ],
      answer: 3,
    });
    expect(items[11].context).toMatch(/^How to use familysearch/);
    expect(await readHellaswag(text, 3)).toEqual(items.slice(0, 3));
  });

  it("is the same packed in bzip2, as it is published", async () => {
    // Made by bzip2 of the fixture's first item.
    const packed = fileURLToPath(new URL("../fixtures/hellaswag-1.txt.bz2", import.meta.url));
    expect(await readHellaswag(packed)).toEqual(await readHellaswag(text, 1));
  });

  it("is read from the original jsonl, and from parquet with labels in quotes", async () => {
    const [item] = await readHellaswag(text, 1);
    const fields = {
      ind: 24,
      activity_label: item.activity,
      ctx_a: "A man is sitting on a roof.",
      ctx_b: "he",
      ctx: item.context,
      split: "val",
      endings: item.endings,
      label: item.answer,
    };
    const parts = { a: fields.ctx_a, b: fields.ctx_b };
    const original = await write("hellaswag_val.jsonl", jsonl([fields, { ...fields, label: "0" }]));
    expect(await readHellaswag(original)).toEqual([
      { ...item, parts },
      { ...item, parts, answer: 0 },
    ]);
    expect(await readHellaswag(url("hellaswag_val.jsonl"), 1)).toEqual([{ ...item, parts }]);
    const refused = async (fields: object) => readHellaswag(await write("bad.jsonl", jsonl([fields])));
    await expect(refused({ ...fields, label: "" })).rejects.toThrow(/bad\.jsonl: line 1: label is ""/);
    await expect(refused({ ...fields, endings: ["a"] })).rejects.toThrow(/line 1: endings is \["a"\]/);
    await expect(refused({ text: "x" })).rejects.toThrow(/there is no field activity_label, ctx_a/);
  });

  it("says in which line a text is wrong", async () => {
    const lines = (await readFile(text, "utf8")).split("\n");
    const refused = async (change: (lines: string[]) => void) => {
      const copy = [...lines];
      change(copy);
      return readHellaswag(await write("bad.txt", copy.join("\n")));
    };
    await expect(refused((copy) => copy.splice(7, 1))).rejects.toThrow(/bad\.txt: line 8 is "swings/);
    await expect(refused((copy) => copy.splice(6, 1, "no label"))).rejects.toThrow("line 7 is no label");
    await expect(refused((copy) => copy.splice(9, 1, ""))).rejects.toThrow("line 10 is empty");
    await expect(refused((copy) => copy.splice(-3))).rejects.toThrow(
      "the last item, from line 115 on, has no six lines",
    );
    await expect(refused((copy) => copy.splice(0))).rejects.toThrow("there is no item in it");
  });
});

describe("LAMBADA", () => {
  it("is read from jsonl, parquet and text, a passage a line", async () => {
    const passages = ["He went to the Union", "and so on", "the\nState"];
    const records = await write("lambada.jsonl", jsonl(passages.map((text) => ({ text }))));
    expect(await readLambada(records)).toEqual(passages);
    expect(await readLambada(await write("lambada.parquet", parquet({ text: passages })), 2)).toEqual(
      passages.slice(0, 2),
    );
    const lines = await write("lambada.txt", `${passages.slice(0, 2).join("\n")}\n\n`);
    expect(await readLambada(lines)).toEqual(passages.slice(0, 2));
    await expect(readLambada(await write("bad.jsonl", '{"text": 3}'))).rejects.toThrow(
      /bad\.jsonl: line 1: "text" is no text/,
    );
    await expect(readLambada(await write("none.txt", "\n"))).rejects.toThrow("there is no passage in it");
  });
});
