/** HellaSwag and LAMBADA are read from files of every kind, and what is wrong in them is said with its place. */
import { createServer, type Server } from "node:http";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readHellaswag } from "../../src/evaluate/hellaswag.js";
import { readLambada } from "../../src/evaluate/lambada.js";

let folder: string;
let server: Server;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-tasks-"));
  server = createServer((request, response) => {
    void readFile(join(folder, basename(request.url ?? ""))).then((bytes) => response.end(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

const url = (name: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/data/${name}`;
async function write(name: string, content: string | Uint8Array): Promise<string> {
  await writeFile(join(folder, name), content);
  return join(folder, name);
}
const jsonl = (rows: readonly object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

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
    expect(
      await readLambada(
        await write(
          "lambada.parquet",
          new Uint8Array(parquetWriteBuffer({ columnData: [{ name: "text", data: passages }] })),
        ),
        2,
      ),
    ).toEqual(passages.slice(0, 2));
    const lines = await write("lambada.txt", `${passages.slice(0, 2).join("\n")}\n\n`);
    expect(await readLambada(lines)).toEqual(passages.slice(0, 2));
    await expect(readLambada(await write("bad.jsonl", '{"text": 3}'))).rejects.toThrow(
      /bad\.jsonl: line 1: "text" is no text/,
    );
    await expect(readLambada(await write("none.txt", "\n"))).rejects.toThrow("there is no passage in it");
  });
});
