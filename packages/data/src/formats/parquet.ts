/** Parquet files, on disk or behind a URL: of those only the footer and the columns asked for are fetched. */
import { type AsyncBuffer, asyncBufferFromFile, asyncBufferFromUrl } from "hyparquet";
import { BoundsError } from "@normless/hub";
import { readable } from "../sources/bytes.js";
import { messageOf, systemCode } from "../errors.js";
import { fetchData, ServerError } from "../sources/fetch.js";
import { dataKindsText, isUrl } from "./kinds.js";
import { type ParquetFacts, ParquetThread } from "./parquet-thread.js";
import { checkFile } from "./pieces.js";
import type { DataRecord, RecordFile } from "./record.js";

/** Opens a parquet file. @throws Error when there is no such file or it is no parquet file. */
export async function openParquet(path: string): Promise<RecordFile> {
  if (!isUrl(path)) {
    await checkFile(path).catch((cause: unknown) => {
      throw readable(cause);
    });
  }
  const file = await (isUrl(path)
    ? asyncBufferFromUrl({ url: path, fetch: fetchData })
    : asyncBufferFromFile(path));
  const thread = idle.pop() ?? new ParquetThread();
  const close = () => {
    if (thread.isWell && idle.length === 0) idle.push(thread);
    else void thread.close();
  };
  const facts = await thread.open(file).catch(async (cause: unknown) => {
    close();
    throw await whyNoParquet(file, cause);
  });
  /** One row group after the other, so that a large file is never whole in memory. */
  async function* read(columns: readonly string[], count = Infinity): AsyncGenerator<DataRecord> {
    const wanted = Math.min(count, facts.rows);
    let rowStart = 0;
    for (const groupRows of facts.groupRows) {
      const rowEnd = Math.min(rowStart + groupRows, wanted);
      // A group may have no rows, as writers that filter leave it; those after it still have theirs.
      if (rowEnd <= rowStart) continue;
      const rows = await thread.rows(columns, rowStart, rowEnd).catch((cause: unknown) => {
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
  try {
    checkRows(facts);
  } catch (error) {
    close();
    throw error;
  }
  return { names: facts.names, read, close: () => Promise.resolve(close()) };
}

/** A thread that nobody uses: the next file need not wait for one to begin. */
const idle: ParquetThread[] = [];

const WRONG = "the file is damaged or was written wrongly, get or write it again";

/** @throws Error when the row groups have more rows than the footer, or fewer, or what is no count */
function checkRows({ rows, groupRows }: ParquetFacts): void {
  const inGroups = groupRows.reduce((sum, count) => sum + count, 0);
  const areCounts = [rows, ...groupRows].every((count) => Number.isSafeInteger(count) && count >= 0);
  if (areCounts && inGroups === rows) return;
  throw new Error(`its footer has ${rows} rows, but ${inGroups} in its row groups; ${WRONG}`);
}

/** @throws Error when a column has ended, which its library shows as undefined; a null is one. */
function checkValues(fields: Readonly<Record<string, unknown>>, where: string): void {
  const [ended] = Object.entries(fields).find(([, value]) => value === undefined) ?? [];
  if (ended !== undefined) throw new Error(`${where}: "${ended}" has ended before the rows have; ${WRONG}`);
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
