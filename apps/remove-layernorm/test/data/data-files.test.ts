/** Folders, patterns and standard input in the place of data files. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { isStandardInput } from "@normless/data";
import { writeNanogptShard } from "@normless/text";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { readCorpus } from "../../src/data/corpus.js";
import { withDataFiles } from "../../src/data/data-files.js";
import { silentIo, run, writeTiny } from "../support/tiny.js";

let folder: string;
let model: string;
let data: string;
const text = "Fellow citizens of the Senate. ".repeat(30);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-data-files-"));
  ({ model } = await writeTiny(folder));
  data = join(folder, "data");
  await mkdir(join(data, "deeper"), { recursive: true });
  const files = {
    "b.txt": text,
    "a.jsonl": JSON.stringify({ text }),
    "c.bin": writeNanogptShard(new Uint16Array(70)),
    "b.txt.gz": gzipSync(text),
    "d.txt.gz": gzipSync(text),
    "notes.md": "none",
    "merges.txt": "a tokenizer's",
    ".hidden.txt": text,
    "deeper/e.txt": text,
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(data, name), content);
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => {
  vi.restoreAllMocks();
});

/** What standard input holds from here on. */
function pipe(content: string | Uint8Array): Readable {
  const stream = Readable.from([Buffer.from(content)]);
  vi.spyOn(process, "stdin", "get").mockReturnValue(stream as typeof process.stdin);
  return stream;
}

async function found(...paths: string[]) {
  const silent = silentIo();
  const { data: files } = await withDataFiles(silent.io, { data: paths });
  return { files, said: silent.said() };
}
const refused = async (...paths: string[]) =>
  found(...paths).then(
    () => "not refused",
    (error: unknown) => (error as Error).message,
  );
const evaluated = (...paths: string[]) =>
  run(["eval", "--model", model, "--threads", "1", "--resamples", "10", "--data", ...paths]);

describe("a folder", () => {
  it("is its data files, in one order, and says which it takes and which not", async () => {
    const { files, said } = await found(data);
    expect(files).toEqual(["a.jsonl", "b.txt", "c.bin", "d.txt.gz"].map((name) => join(data, name)));
    expect(said).toBe(
      `${data}: reading a.jsonl, b.txt, c.bin, d.txt.gz; leaving out b.txt.gz, deeper/, merges.txt, notes.md\n`,
    );
    const { code, out } = await evaluated(data);
    expect(code).toBe(0);
    for (const file of files ?? []) expect(out).toContain(file);
  });

  it("without any is refused with what it has", async () => {
    const empty = join(folder, "empty");
    await mkdir(empty);
    expect(await refused(empty)).toContain(`--data ${empty}: there is no data file in the folder (.bin, `);
    await writeFile(join(empty, "notes.md"), "");
    expect(await refused(empty)).toContain("it has notes.md");
    expect((await evaluated(empty)).code).toBe(2);
  });

  it("of many files names some", async () => {
    const many = join(folder, "many");
    await mkdir(many);
    for (let i = 0; i < 12; i++) await writeFile(join(many, `${i}.txt`), text);
    const { files, said } = await found(many);
    expect(files).toEqual([...(files ?? [])].sort());
    expect(said).toContain("and 4 more");
  });
});

describe("a pattern", () => {
  it("that the shell left alone is what matches it, in one order", async () => {
    expect((await found(join(data, "*.{txt,jsonl}"))).files).toEqual(
      ["a.jsonl", "b.txt", "merges.txt"].map((name) => join(data, name)),
    );
    expect((await found(join(data, "**/[be].txt"))).files).toEqual(
      ["b.txt", "deeper/e.txt"].map((name) => join(data, name)),
    );
    const all = await found(join(data, "[abn]*"));
    expect(all.files).toEqual(["a.jsonl", "b.txt", "b.txt.gz"].map((name) => join(data, name)));
    expect(all.said).toContain(`leaving out ${join(data, "notes.md")}`);
  });

  it("is none where a file has that name", async () => {
    const name = join(folder, "part[1].txt");
    await writeFile(name, text);
    expect((await found(name)).files).toEqual([name]);
    const link = join(folder, "link*");
    await symlink(data, link);
    expect((await found(link)).files).toHaveLength(4);
  });

  it("that nothing matches is refused", async () => {
    expect(await refused(join(data, "*.parquet"))).toBe(`--data ${join(data, "*.parquet")}: no file matches`);
    expect(await refused(join(data, "*.md"))).toContain("no data file matches (.bin, ");
    expect((await evaluated(join(data, "*.parquet"))).code).toBe(2);
  });

  it("is nothing that an address is", async () => {
    const url = "https://example.org/data?[a]*.txt";
    expect((await found(url)).files).toEqual([url]);
  });
});

describe("standard input", () => {
  it("is text, and what a kind before it says", async () => {
    const loss = async (path: string, content: string | Uint8Array) => {
      pipe(content);
      const { code, out } = await evaluated(path);
      expect(code).toBe(0);
      return / (\d\.\d{4}) /.exec(out)?.[1];
    };
    const plain = await loss("-", text);
    expect(await loss("jsonl:-", JSON.stringify({ text }))).toBe(plain);
    expect(await loss("txt.gz:-", gzipSync(text))).toBe(plain);
    await writeFile(join(folder, "same.txt"), text);
    expect(/ (\d\.\d{4}) /.exec((await evaluated(join(folder, "same.txt"))).out)?.[1]).toBe(plain);
    expect(await loss("bin:-", writeNanogptShard(new Uint16Array(70)))).not.toBe(plain);
  });

  it("stands among files, in its place", async () => {
    pipe(writeNanogptShard(Uint16Array.of(7, 8)));
    const files = await Promise.all(
      [1, 2].map(async (id) => {
        const path = join(folder, `${id}.bin`);
        await writeFile(path, writeNanogptShard(Uint16Array.of(id)));
        return path;
      }),
    );
    const { files: paths = [] } = await found(files[0], "bin:-", files[1]);
    expect([...(await readCorpus(paths, { vocabSize: 10 }))]).toEqual([1, 7, 8, 2]);
  });

  it("is read as far as it is needed, and let go", async () => {
    const stream = pipe(Buffer.alloc(0));
    async function* endless() {
      for (;;) yield await Promise.resolve(Buffer.from(text));
    }
    const more = Readable.from(endless());
    vi.spyOn(process, "stdin", "get").mockReturnValue(more as typeof process.stdin);
    stream.destroy();
    const { code } = await run(["eval", "--model", model, "--threads", "1", "--data", "-", "--tokens", "50"]);
    expect(code).toBe(0);
    expect(more.destroyed).toBe(true);
  });

  it("is refused twice, as parquet, as nothing known, and empty", async () => {
    expect(await refused("-", "jsonl:-")).toContain(
      "standard input can be read once, and --data and --data name it",
    );
    expect((await evaluated("parquet:-")).err).toContain(
      "standard input: a parquet file is read from its end",
    );
    expect((await evaluated("csv:-")).err).toContain("standard input: is none of the files that are read");
    pipe("");
    expect((await evaluated("-")).err).toContain("standard input: the text is empty");
  });

  it("is no path of a file", () =>
    fc.assert(
      fc.property(fc.string(), (name) => {
        expect(isStandardInput(`./${name}`)).toBe(false);
        expect(isStandardInput(`${name}x`)).toBe(false);
      }),
    ));
});
