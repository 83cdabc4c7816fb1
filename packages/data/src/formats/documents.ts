/** Records to tokens: a column of texts, or of lists of token ids. */
import { documentEncoder, type Encoder, type Tokenizer } from "@normless/text";
import { firstNames, RequestError } from "../errors.js";
import type { DataRecord, RecordFile } from "./record.js";
import { fieldOf } from "./records.js";
import type { TokenBuffer } from "../tokens.js";

/** Which column of a jsonl or parquet file is read. */
export interface ColumnOptions {
  /** Default `text`. */
  readonly textColumn?: string | undefined;
  /** Lists of ids, taken as they are. Default `input_ids` or `tokens`, in a file without a text column. */
  readonly tokenColumn?: string | undefined;
}

/** What is read of the rows of files that have any. */
export interface RowOptions extends ColumnOptions {
  /** So many of each file; default all. */
  readonly rows?: number | undefined;
}

/** A column of a file of records. */
export interface DataColumn {
  readonly name: string;
  /** A row's ids into the buffer, as far as it takes them; those of a text as `Documents` gives them. */
  push(record: DataRecord, buffer: TokenBuffer): void;
}

/** Texts to tokens, each with end-of-text after it and none of a blank one, part by part: a text may be of any length. */
export class Documents {
  readonly #encoder: Encoder;
  readonly #buffer: TokenBuffer;
  /** Ids of what may yet turn out to be blank. */
  #blank: number[] | undefined = [];

  /** @throws RangeError when the vocabulary is too large for 16 bits */
  constructor(tokenizer: Tokenizer, buffer: TokenBuffer) {
    this.#encoder = documentEncoder(tokenizer);
    this.#buffer = buffer;
  }

  write(part: string): void {
    const ids = this.#encoder.write(part);
    if (this.#blank) {
      for (const id of ids) this.#blank.push(id);
      if (part.trim() === "") return;
      this.#buffer.push(this.#blank);
      this.#blank = undefined;
    } else {
      this.#buffer.push(ids);
    }
  }

  /** The text is whole. */
  end(): void {
    const ids = this.#encoder.end();
    if (!this.#blank) this.#buffer.push(ids);
    this.#blank = [];
  }
}

/** A text that is there at once is encoded in pieces of so many characters, and no further than needed. */
const PIECE = 2 ** 20;

const TEXT = "text";
const TOKENS = ["input_ids", "tokens"];

/** How errors ask for a tokenizer. */
export const NO_TOKENIZER =
  "the model's folder has no tokenizer (vocab.json and merges.txt, or tokenizer.json); add one, or give tokens";

/**
 * The column to read of a file. Text is taken before tokens where a file has both, since it suits any tokenizer.
 * @throws RequestError when the file has no such column, or there is text and no tokenizer.
 */
export function columnOf(
  { names }: Pick<RecordFile, "names">,
  { textColumn, tokenColumn }: ColumnOptions,
  tokenizer: Tokenizer | undefined,
): DataColumn {
  const asked = textColumn ?? tokenColumn;
  if (asked !== undefined && !names.includes(asked)) {
    throw new RequestError(
      `there is no column "${asked}"; the columns are ${firstNames(names)}.`,
      ({ meant }) => meant(asked, names),
    );
  }
  const found = TOKENS.find((name) => names.includes(name));
  if (tokenColumn !== undefined) return tokenColumnOf(tokenColumn);
  const isText = textColumn !== undefined || (names.includes(TEXT) && (tokenizer || found === undefined));
  if (isText) return textColumnOf(textColumn ?? TEXT, tokenizer);
  if (found !== undefined) return tokenColumnOf(found);
  throw new RequestError(
    `there is no column "${TEXT}", nor one of tokens (${TOKENS.join(" or ")}); the columns are ${firstNames(names)}.`,
    ({ called }) => ` Name the one to read: ${called("textColumn")} NAME, or ${called("tokenColumn")} NAME`,
  );
}

function textColumnOf(name: string, tokenizer: Tokenizer | undefined): DataColumn {
  if (!tokenizer) {
    throw new RequestError(`holds text, and ${NO_TOKENIZER}`, ({ called }) => ` (${called("tokenColumn")})`);
  }
  return {
    name,
    push(record, buffer) {
      const text = fieldOf(record, name);
      if (typeof text !== "string")
        throw new Error(`${record.where}: "${name}" is ${kind(text)}, not a text`);
      const documents = new Documents(tokenizer, buffer);
      for (let at = 0; at < text.length && !buffer.full; at += PIECE) {
        documents.write(text.slice(at, at + PIECE));
      }
      documents.end();
    },
  };
}

function tokenColumnOf(name: string): DataColumn {
  return {
    name,
    push(record, buffer) {
      const ids = fieldOf(record, name);
      if (!Array.isArray(ids)) {
        throw new Error(`${record.where}: "${name}" is ${kind(ids)}, not a list of token ids`);
      }
      buffer.push(ids.map((id, i) => idOf(id, `${record.where}: "${name}"[${i}]`)));
    },
  };
}

/** An id that fits a token's 16 bits; parquet's int64 comes as a bigint. */
function idOf(id: unknown, where: string): number {
  const value = typeof id === "bigint" ? Number(id) : id;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 0xffff) return value;
  const shown = typeof id === "number" || typeof id === "bigint" ? String(id) : kind(id);
  throw new Error(`${where} is ${shown}, not a token id from 0 to 65,535`);
}

function kind(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "a list";
  if (ArrayBuffer.isView(value)) return "bytes";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
