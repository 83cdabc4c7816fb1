/** Parquet files, on disk or behind a URL: of those only the footer and the columns asked for are fetched. */
import { existsSync } from "node:fs";
import {
  type AsyncBuffer,
  asyncBufferFromFile,
  asyncBufferFromUrl,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
} from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { BoundsError } from "@normless/hub";
import { readable } from "../sources/bytes.js";
import { messageOf, systemCode } from "../errors.js";
import { fetchData, ServerError } from "../sources/fetch.js";
import { dataKindsText, isUrl } from "./kinds.js";
import type { DataRecord, RecordFile } from "./record.js";

/** Opens a parquet file. @throws Error when there is no such file or it is no parquet file. */
export async function openParquet(path: string): Promise<RecordFile> {
  if (!isUrl(path) && !existsSync(path)) throw new Error("there is no such file");
  const file = await (isUrl(path)
    ? asyncBufferFromUrl({ url: path, fetch: fetchData })
    : asyncBufferFromFile(path));
  const metadata = await parquetMetadataAsync(file).catch(async (cause: unknown) => {
    throw await whyNoParquet(file, cause);
  });
  const total = countRows(metadata);
  const names = parquetSchema(metadata).children.map(({ element }) => element.name);
  /** One row group after the other, so that a large file is never whole in memory. */
  async function* read(columns: readonly string[], count = Infinity): AsyncGenerator<DataRecord> {
    const wanted = Math.min(count, total);
    let rowStart = 0;
    for (const group of metadata.row_groups) {
      const rowEnd = Math.min(rowStart + Number(group.num_rows), wanted);
      // A group may have no rows, as writers that filter leave it; those after it still have theirs.
      if (rowEnd <= rowStart) continue;
      const range = { columns: [...columns], rowStart, rowEnd };
      const rows: Record<string, unknown>[] = await parquetReadObjects({
        file,
        metadata,
        compressors,
        parsers: { stringFromBytes },
        ...range,
      }).catch((cause: unknown) => {
        if (isFromOutside(cause)) throw readable(cause);
        const which = `rows ${rowStart + 1} to ${rowEnd}`;
        throw new Error(`${which} cannot be read (${messageOf(cause)}); is the file damaged?`, { cause });
      });
      if (rows.length !== rowEnd - rowStart) {
        const read = `${rows.length} rows were read from row ${rowStart + 1} on`;
        throw new Error(`${read} where its footer has ${rowEnd - rowStart}; ${WRONG}`);
      }
      for (const fields of rows) {
        const where = `row ${++rowStart}`;
        checkValues(fields, where);
        yield { where, fields };
      }
    }
  }
  // Nothing stays open between two reads.
  return { names, read, close: () => Promise.resolve() };
}

const WRONG = "the file is damaged or was written wrongly, get or write it again";

/** The rows of a file by its footer. @throws Error when the row groups have more or fewer. */
function countRows({ num_rows, row_groups }: FileMetaData): number {
  const total = Number(num_rows);
  const inGroups = row_groups.reduce((sum, group) => sum + Number(group.num_rows), 0);
  if (inGroups === total) return total;
  throw new Error(`its footer has ${total} rows, but ${inGroups} in its row groups; ${WRONG}`);
}

/** @throws Error when a column has ended, which its library shows as undefined; a null is one. */
function checkValues(fields: Readonly<Record<string, unknown>>, where: string): void {
  const [ended] = Object.entries(fields).find(([, value]) => value === undefined) ?? [];
  if (ended !== undefined) throw new Error(`${where}: "${ended}" has ended before the rows have; ${WRONG}`);
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** All of a text: the library's own would put U+FFFD for what is no UTF-8, and drop a U+FEFF at its beginning. */
function stringFromBytes(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    const begin = new TextDecoder().decode(bytes.subarray(0, 40));
    throw new Error(`a text is no UTF-8, it begins with ${JSON.stringify(begin)}`, { cause });
  }
}

/** What its library could not make a file of. */
async function whyNoParquet(file: AsyncBuffer, cause: unknown): Promise<unknown> {
  if (isFromOutside(cause)) return readable(cause);
  if (file.byteLength === 0) return new Error("is no parquet file: it is empty", { cause });
  const magic = Buffer.from(await file.slice(0, 4)).toString("latin1");
  if (magic === "PAR1") {
    return new Error(`is no whole parquet file (${messageOf(cause)}); was it truncated?`, { cause });
  }
  return new Error(
    `is no parquet file: it does not begin with PAR1. A name must end with what is in it: ${dataKindsText}`,
    { cause },
  );
}

/** The disk or the server is at fault, not what came from it. */
function isFromOutside(error: unknown): boolean {
  return error instanceof ServerError || error instanceof BoundsError || systemCode(error) !== undefined;
}
