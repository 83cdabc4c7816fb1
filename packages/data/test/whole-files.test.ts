/** Of a data file everything is read, or it is an error: nothing in it is left out without a word. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { byteChunks, joined, readTokens } from "@normless/data";
import { writeLlmcShard, writeNanogptShard } from "@normless/text";
import fc from "fast-check";
import { ByteWriter, type ColumnSource, ParquetWriter, schemaFromColumnData } from "hyparquet-writer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openParquet } from "../src/formats/parquet.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-whole-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function write(name: string, ...parts: (string | Uint8Array)[]): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, Buffer.concat(parts.map((part) => Buffer.from(part))));
  return path;
}

/** A parquet file of these columns with row groups of these sizes, changed before its footer is written. */
function parquet(
  columns: Record<string, ColumnSource["data"]>,
  groups: readonly number[],
  change: (writer: ParquetWriter) => void = () => {},
): Uint8Array {
  const columnData = Object.entries(columns).map(([name, data]): ColumnSource => {
    return { name, data, type: typeof data[0] === "string" ? "STRING" : "BYTE_ARRAY", nullable: true };
  });
  const bytes = new ByteWriter();
  const writer = new ParquetWriter({ writer: bytes, schema: schemaFromColumnData({ columnData }) });
  let at = 0;
  for (const size of groups) {
    const rows = columnData.map((column) => ({ ...column, data: column.data.slice(at, at + size) }));
    if (size > 0) void writer.write({ columnData: rows });
    else writer.row_groups.push({ columns: [], total_byte_size: 0n, num_rows: 0n });
    at += size;
  }
  change(writer);
  void writer.finish();
  return new Uint8Array(bytes.getBuffer());
}

async function readText(path: string, count?: number): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const { fields } of (await openParquet(path)).read(["text"], count)) rows.push(fields.text);
  return rows;
}

describe("a parquet file", () => {
  it("is read past an empty row group", async () => {
    const hole = fileURLToPath(new URL("./fixtures/hole.parquet", import.meta.url));
    expect(await readText(hole)).toEqual(
      ["one", "two", "three", "four", "five"].map(
        (number, i) => `${i < 2 ? "first" : "second"} document ${number}`,
      ),
    );
  });

  it("gives as many rows as its footer has, wherever its row groups are empty", async () => {
    const sizes = fc.array(fc.nat(3), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(sizes, fc.option(fc.nat(20), { nil: undefined }), async (groups, count) => {
        const texts = Array.from({ length: groups.reduce((a, b) => a + b, 0) }, (_, i) => `text ${i}`);
        const path = await write("groups.parquet", parquet({ text: texts }, groups));
        expect(await readText(path, count)).toEqual(texts.slice(0, count));
      }),
      { numRuns: 50 },
    );
  });

  it("whose footer has another number of rows than its row groups is refused", async () => {
    const texts = ["a", "b", "c"];
    for (const rows of [2n, 4n]) {
      const lying = parquet({ text: texts }, [2, 1], (writer) => (writer.num_rows = rows));
      await expect(readTokens([await write("lying.parquet", lying)], { vocabSize: 5 })).rejects.toThrow(
        new RegExp(
          `lying\\.parquet: its footer has ${rows} rows, but 3 in its row groups; the file is damaged`,
        ),
      );
    }
  });

  it("whose column ends before its rows is refused at the first that is missing", async () => {
    const short = parquet({ text: ["a", "b", "c"] }, [2, 1], (writer) => {
      writer.row_groups[1].num_rows = 3n;
      writer.num_rows = 5n;
    });
    await expect(readText(await write("short.parquet", short))).rejects.toThrow(
      'row 4: "text" has ended before the rows have; the file is damaged',
    );
  });

  it("keeps every character of a text, and refuses bytes that are none", async () => {
    const texts = ["\ufeffbegins with a mark", "\ufffd", "é𝄞\0"];
    expect(await readText(await write("texts.parquet", parquet({ text: texts }, [3])))).toEqual(texts);
    const bytes = [Buffer.from("whole"), Buffer.from("cut \xe9", "latin1")];
    await expect(readText(await write("latin.parquet", parquet({ text: bytes }, [2])))).rejects.toThrow(
      'rows 1 to 2 cannot be read (a text is no UTF-8, it begins with "cut \ufffd"); is the file damaged?',
    );
  });
});

describe("a packed file", () => {
  const unpacked = async (path: string) => Buffer.from(await joined(byteChunks(path))).toString();
  // In many chunks: a file is read by 64 KiB.
  const large = Array.from({ length: 40_000 }, (_, i) => (i * 2654435761) % 65536).join();

  it("in gzip is read to the end of its last member, zeros behind it or not", async () => {
    const members = [gzipSync("abc"), gzipSync(""), gzipSync(large), gzipSync("def")];
    expect(await unpacked(await write("members.txt.gz", ...members))).toBe(`abc${large}def`);
    const zeros = [new Uint8Array(10), new Uint8Array(100_000)];
    for (const more of zeros) {
      expect(await unpacked(await write("zeros.txt.gz", ...members, more))).toBe(`abc${large}def`);
    }
  });

  it("in gzip is refused when something follows that would be left out", async () => {
    const first = gzipSync("abc");
    const apart = [gzipSync("def"), gzipSync(large), Buffer.from("x")];
    for (const zeros of [1, 100_000]) {
      for (const more of apart) {
        const path = await write("apart.txt.gz", first, new Uint8Array(zeros), more);
        await expect(unpacked(path)).rejects.toThrow(
          `more bytes follow after the end of its gzip data, at byte ${first.length}; pack it again, or cut them off`,
        );
      }
    }
    const endless = await write("endless.txt.gz", first, new Uint8Array(2 ** 20 + 2 ** 17));
    await expect(unpacked(endless)).rejects.toThrow("more bytes follow after the end of its gzip data");
    const path = await write("junk.txt.gz", first, "junk");
    await expect(unpacked(path)).rejects.toThrow("is no whole gzip file (incorrect header check)");
    const cut = await write("cut.txt.gz", first, gzipSync(large).subarray(0, -5));
    await expect(unpacked(cut)).rejects.toThrow("is no whole gzip file (unexpected end of file)");
  });

  it("in bzip2 is read to the end of its last stream, and refused wherever it is cut", async () => {
    // Of "abc" and of "def", by bzip2.
    const abc = Buffer.from("QlpoOTFBWSZTWWSMu3MAAAABADgAIAAhmBmEYXckU4UJBkjLtzA=", "base64");
    const def = Buffer.from("QlpoOTFBWSZTWUI8sPkAAAABAAcAIAAhmBmEYXckU4UJBCPLD5A=", "base64");
    const both = Buffer.concat([abc, def]);
    expect(await unpacked(await write("streams.txt.bz2", both))).toBe("abcdef");
    for (let length = 0; length < both.length; length++) {
      if (length === abc.length) continue; // the first stream, whole
      const cut = await write("cut.txt.bz2", both.subarray(0, length));
      await expect(unpacked(cut), `cut to ${length}`).rejects.toThrow("is no whole bzip2 file (");
    }
    await expect(unpacked(await write("junk.txt.bz2", both, "junk"))).rejects.toThrow(
      "is no whole bzip2 file (Not bzip data",
    );
  });
});

it("a shard of tokens with a byte too many, or of another length than its header says, is refused", async () => {
  const tokens = Uint16Array.of(1, 2, 3);
  const refused = async (...parts: (string | Uint8Array)[]) =>
    readTokens([await write("shard.bin", ...parts)], { vocabSize: 5 });
  await expect(refused(writeNanogptShard(tokens), "x")).rejects.toThrow(
    "7 bytes are no whole number of 2-byte tokens",
  );
  for (const more of ["x", "xy"]) {
    await expect(refused(writeLlmcShard(tokens), more)).rejects.toThrow(
      `the llm.c header says 3 tokens (6 bytes), and ${6 + more.length} bytes follow it`,
    );
  }
  await expect(refused(writeLlmcShard(tokens).subarray(0, -2))).rejects.toThrow("and 4 bytes follow it");
});
