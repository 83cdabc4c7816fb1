/** What is wrong in data is said with its place, and with what to do. */
import { mkdir } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { DataError, NO_TOKENIZER, type ReadOptions, readTokens, RequestError } from "@normless/data";
import type { Tokenizer } from "@normless/text";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DataFolder, dataFolder, documents, parquet } from "./data-folder.js";

let folder: DataFolder;
beforeAll(async () => {
  folder = await dataFolder();
});
afterAll(() => folder.remove());

const file: DataFolder["file"] = (name) => folder.file(name);
const url: DataFolder["url"] = (name) => folder.url(name);
const write: DataFolder["write"] = (name, content) => folder.write(name, content);
const read: DataFolder["read"] = (path, options) => folder.read(path, options);

describe("what is wrong in a corpus", () => {
  const refusal = async (path: string, options?: ReadOptions) =>
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
      /no column "text", nor one of tokens .* the columns are n\. Name the one to read: textColumn NAME, or tokenColumn NAME/,
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

  it("that is no UTF-8 is named with its file", async () => {
    await expect(read(await write("latin.txt", Uint8Array.of(65, 233, 66)))).rejects.toThrow(
      /latin\.txt: is no UTF-8: no character is at byte 1\. /,
    );
    await expect(
      read(await write("cut.txt", new TextEncoder().encode("\ufeffaé𝄞").subarray(0, -1))),
    ).rejects.toThrow(/cut\.txt: ends inside a UTF-8 character, at byte 9; was it truncated\?/);
  });
});

describe("an error", () => {
  const errorOf = (path: string, options: ReadOptions = {}, tokenizer?: Tokenizer) =>
    readTokens([path], { vocabSize: 4096, tokenizer }, options).then(
      () => undefined,
      (error: unknown) => error as DataError,
    );
  const words = {
    called: (option: string) => `--${option}`,
    meant: (name: string, among: readonly string[]) => ` Not ${name} but ${among.join()}?`,
  };

  it("is a RequestError where asking otherwise would mend it, and a DataError in any case", async () => {
    const path = await write("body.jsonl", '{"body": "a"}\n');
    const text = await write("some.txt", "a");
    const asked = [
      await errorOf(path),
      await errorOf(path, { textColumn: "bdy" }),
      await errorOf(path, { textColumn: "body" }),
      await errorOf(text),
      await errorOf(file("none.npy")),
    ];
    for (const error of asked) expect(error).toBeInstanceOf(RequestError);
    for (const broken of [await write("broken.jsonl", "{"), file("none.txt")]) {
      const error = await errorOf(broken, {}, folder.tokenizer);
      expect(error).toBeInstanceOf(DataError);
      expect(error).not.toBeInstanceOf(RequestError);
    }
  });

  it("tells what to do in the words of whoever asks", async () => {
    const path = await write("words.jsonl", '{"body": "a"}\n');
    const [none, misspelt, text] = [
      await errorOf(path),
      await errorOf(path, { textColumn: "bdy" }),
      await errorOf(path, { textColumn: "body" }),
    ];
    expect(none?.fix(words)).toBe(" Name the one to read: --textColumn NAME, or --tokenColumn NAME");
    expect(misspelt?.fix(words)).toBe(" Not bdy but body?");
    expect(text?.fix(words)).toBe(" (--tokenColumn)");
    expect(text?.message).toBe(`${path}: holds text, and ${NO_TOKENIZER} (tokenColumn)`);
  });
});
