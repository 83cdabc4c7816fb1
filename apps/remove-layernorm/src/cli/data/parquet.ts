/** Parquet files, on disk or behind a URL: of those only the footer and the columns asked for are fetched. */
import { existsSync } from "node:fs";
import {
  type AsyncBuffer,
  asyncBufferFromFile,
  asyncBufferFromUrl,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
} from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { messageOf, systemCode } from "../errors.js";
import { BoundsError } from "../network.js";
import { fetchData, readable, ServerError } from "./bytes.js";
import { dataKindsText, isUrl } from "./kinds.js";
import type { DataRecord, RecordFile } from "./records.js";

/** @throws Error when there is no such file or it is no parquet file. */
export async function openParquet(path: string): Promise<RecordFile> {
  if (!isUrl(path) && !existsSync(path)) throw new Error("there is no such file");
  const file = await (isUrl(path)
    ? asyncBufferFromUrl({ url: path, fetch: fetchData })
    : asyncBufferFromFile(path));
  const metadata = await parquetMetadataAsync(file).catch(async (cause: unknown) => {
    throw await whyNoParquet(file, cause);
  });
  const names = parquetSchema(metadata).children.map(({ element }) => element.name);
  /** One row group after the other, so that a large file is never whole in memory. */
  async function* read(columns: readonly string[], count = Infinity): AsyncGenerator<DataRecord> {
    let rowStart = 0;
    for (const group of metadata.row_groups) {
      const rowEnd = Math.min(rowStart + Number(group.num_rows), count);
      if (rowEnd <= rowStart) return;
      const range = { columns: [...columns], rowStart, rowEnd };
      const rows: Record<string, unknown>[] = await parquetReadObjects({
        file,
        metadata,
        compressors,
        ...range,
      }).catch((cause: unknown) => {
        if (isFromOutside(cause)) throw readable(cause);
        const which = `rows ${rowStart + 1} to ${rowEnd}`;
        throw new Error(`${which} cannot be read (${messageOf(cause)}); is the file damaged?`, { cause });
      });
      for (const [i, fields] of rows.entries()) yield { where: `row ${rowStart + i + 1}`, fields };
      rowStart = rowEnd;
    }
  }
  // Nothing stays open between two reads.
  return { names, read, close: () => Promise.resolve() };
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
