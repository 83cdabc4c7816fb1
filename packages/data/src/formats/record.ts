/** What a file of records gives, whatever its kind. */

/** A row: a line of jsonl, or one of the rows of a parquet file. */
export interface DataRecord {
  /** `line 3` or `row 3`, counted from 1. */
  readonly where: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** An open file of records. */
export interface RecordFile {
  /** The names of its fields; of a jsonl file those of its first line. */
  readonly names: readonly string[];
  /** The first `count` records in order (default all), once; only the fields asked for need be there. */
  read(names: readonly string[], count?: number): AsyncIterable<DataRecord>;
  /** Lets go of the file or download. */
  close(): Promise<void>;
}
