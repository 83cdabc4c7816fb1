/** Files of records: jsonl and parquet, whose rows have fields by name. */
import { parseJson } from "@normless/text";
import { firstNames } from "../errors.js";
import { byteChunks } from "../sources/bytes.js";
import { kindOf } from "./kinds.js";
import { linesOf } from "./lines.js";
import { openParquet } from "./parquet.js";
import type { DataRecord, RecordFile } from "./record.js";

/** Opens a file for as long as `use` takes. @throws Error saying where the file is wrong. */
export async function withRecords<X>(path: string, use: (file: RecordFile) => Promise<X>): Promise<X> {
  const file = await (kindOf(path).kind === "parquet" ? openParquet(path) : openJsonl(path));
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

/** A record's field. @throws Error naming the place, the fields there are and the way out. */
export function fieldOf({ where, fields }: DataRecord, name: string): unknown {
  if (Object.hasOwn(fields, name)) return fields[name];
  throw new Error(`${where}: there is no field "${name}"; the fields are ${firstNames(Object.keys(fields))}`);
}

async function openJsonl(path: string): Promise<RecordFile> {
  const records = jsonRecords(path);
  const first = await records.next();
  if (first.done) throw new Error("the file is empty; it must hold a JSON object a line");
  async function* read(_names: readonly string[], count = Infinity) {
    let next: typeof first = first;
    for (let left = count; !next.done; next = await records.next()) {
      yield next.value;
      if (--left === 0) return;
    }
  }
  const close = async () => void (await records.return(undefined));
  return { names: Object.keys(first.value.fields), read, close };
}

async function* jsonRecords(path: string): AsyncGenerator<DataRecord, undefined> {
  let line = 0;
  for await (const text of linesOf(byteChunks(path))) {
    line++;
    if (text.trim() === "") continue;
    const where = `line ${line}`;
    const fields = parseJson(text, where);
    if (!isRecord(fields)) throw new Error(`${where} is no JSON object with fields`);
    yield { where, fields };
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
