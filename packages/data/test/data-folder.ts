/** A folder of data files, a server that gives them by range, and the tokenizer of models/sotu. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { type ReadOptions, readTokens } from "@normless/data";
import { type Tokenizer, tokenizerFromVocabAndMerges } from "@normless/text";
import { parquetWriteBuffer } from "hyparquet-writer";

export interface DataFolder {
  readonly tokenizer: Tokenizer;
  /** Paths asked of the server, with the ranges. */
  readonly asked: string[];
  file(name: string): string;
  url(name: string): string;
  write(name: string, content: string | Uint8Array): Promise<string>;
  read(path: string, options?: ReadOptions): Promise<Uint16Array>;
  remove(): Promise<void>;
}

export async function dataFolder(): Promise<DataFolder> {
  const folder = await mkdtemp(join(tmpdir(), "normless-data-"));
  const tokenizer = await sotuTokenizer();
  const asked: string[] = [];
  const server = createServer((request, response) => {
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
  const { port } = server.address() as AddressInfo;
  const file = (name: string) => join(folder, name);
  return {
    tokenizer,
    asked,
    file,
    url: (name) => `http://127.0.0.1:${port}/data/${name}?download=true`,
    async write(name, content) {
      await writeFile(file(name), content);
      return file(name);
    },
    read: (path, options) => readTokens([path], { vocabSize: tokenizer.vocabSize, tokenizer }, options),
    async remove() {
      server.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** Of the model that ships: 4096 ids. */
export async function sotuTokenizer(): Promise<Tokenizer> {
  const sotu = (file: string) => readFile(new URL(`../../../models/sotu/${file}`, import.meta.url), "utf8");
  return tokenizerFromVocabAndMerges(JSON.parse(await sotu("vocab.json")), await sotu("merges.txt"));
}

export const documents = [
  "Fellow citizens of the Senate",
  "the Union,\nand the House — é",
  "a",
  "We the People",
];

export const jsonl = (rows: readonly object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

/** A parquet file of two-row groups. `int64` writes ids as such, which are read as bigints. */
export function parquet(
  columns: Record<string, unknown[]>,
  more: Partial<Parameters<typeof parquetWriteBuffer>[0]> = {},
) {
  const columnData = Object.entries(columns).map(([name, data]) => ({ name, data }));
  return new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: 2, ...more }));
}
