/** Parquet files, on disk or behind a URL: of those only the footer and the columns asked for are fetched. */
import { existsSync } from "node:fs";
import {
  asyncBufferFromFile,
  asyncBufferFromUrl,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
} from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { isUrl } from "./kinds.js";
import type { DataRecord, RecordFile } from "./records.js";

/** @throws Error when there is no such file or it is no parquet file. */
export async function openParquet(path: string): Promise<RecordFile> {
  if (!isUrl(path) && !existsSync(path)) throw new Error("there is no such file");
  const file = await (isUrl(path) ? asyncBufferFromUrl({ url: path }) : asyncBufferFromFile(path));
  const metadata = await parquetMetadataAsync(file);
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
      });
      for (const [i, fields] of rows.entries()) yield { where: `row ${rowStart + i + 1}`, fields };
      rowStart = rowEnd;
    }
  }
  // Nothing stays open between two reads.
  return { names, read, close: () => Promise.resolve() };
}
