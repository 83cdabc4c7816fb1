/** Tokens for a model out of data files: token shards, text, jsonl, parquet. */
import { END_OF_TEXT, type Tokenizer } from "@normless/text";
import { byteChunks } from "./sources/bytes.js";
import { columnOf, Documents, NO_TOKENIZER, type RowOptions } from "./formats/documents.js";
import { RequestError, within } from "./errors.js";
import { kindOf } from "./formats/kinds.js";
import { textParts } from "./formats/lines.js";
import { withRecords } from "./formats/records.js";
import { dataName } from "./sources/standard-input.js";
import { checkCount, type Counted, readShardTokens, TokenBuffer } from "./tokens.js";

/** What the tokens must suit. */
export interface TokensFor {
  readonly vocabSize: number;
  /** Without one, only tokens can be read. */
  readonly tokenizer?: Tokenizer | undefined;
  /** What to do where tokens are of another tokenizer, where something can be done. */
  readonly otherWay?: string | undefined;
}

/** How much of each file is read, and who hears of it. */
export interface ReadOptions extends RowOptions {
  /** From the first, of all files together; default all. */
  readonly tokens?: number | undefined;
  /** Hears what was read of each file, when it has been. */
  readonly read?: ((file: FileRead) => void) | undefined;
  /** Hears how many tokens of a file there are so far, at each million of them or so. */
  readonly counted?: ((path: string, tokens: number) => void) | undefined;
}

/** What was read of a file or an address. */
export interface FileRead {
  readonly path: string;
  readonly tokens: number;
  /** Where it has any. */
  readonly rows?: number;
}

/**
 * The tokens of files or addresses, one after the other.
 * @throws DataError naming the file and what is wrong in it; RequestError where it was asked for wrongly
 */
export async function readTokens(
  paths: readonly string[],
  model: TokensFor,
  options: ReadOptions = {},
): Promise<Uint16Array> {
  const { tokens: limit = Infinity } = options;
  const parts: Uint16Array[] = [];
  let length = 0;
  for (const path of paths) {
    if (length >= limit) break;
    const counted = (count: number) => options.counted?.(path, count);
    const seen = {};
    const how = { ...options, tokens: limit - length, counted, seen };
    const part = await within(dataName(path), () => tokensOf(path, model, how));
    parts.push(part);
    options.read?.({ path, tokens: part.length, ...seen });
    length += part.length;
    checkCount(length);
  }
  if (parts.length === 1) return parts[0];
  const all = new Uint16Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** What `readTokens` was asked for, with a limit on the tokens of this file, and what hears of them now and then. */
type FileOptions = Omit<ReadOptions, "counted"> & {
  readonly tokens: number;
  readonly counted: Counted;
  /** What there is to tell of the file besides its tokens. */
  readonly seen: { rows?: number };
};

async function tokensOf(path: string, model: TokensFor, options: FileOptions): Promise<Uint16Array> {
  const { kind } = kindOf(path);
  const tokens =
    kind === "bin"
      ? await readShardTokens(path, options.tokens, options.counted)
      : await (kind === "txt" ? encodeText : encodeRecords)(path, model, options);
  for (let at = 0; at < tokens.length; at++) {
    if (tokens[at] < model.vocabSize) continue;
    throw new Error(
      `token ${at} has id ${tokens[at]}, outside the model's vocabulary of ${model.vocabSize}. ` +
        `Were these tokens made by another tokenizer?${model.otherWay === undefined ? "" : ` ${model.otherWay}`}`,
    );
  }
  return tokens;
}

/** Documents stand between `<|endoftext|>`s; a text without one is one document. */
async function encodeText(path: string, { tokenizer }: TokensFor, options: FileOptions) {
  if (!tokenizer) throw new RequestError(`is text, and ${NO_TOKENIZER} (.bin)`);
  const buffer = new TokenBuffer(options.tokens, options.counted);
  const documents = new Documents(tokenizer, buffer);
  for await (const { text, ends } of textParts(byteChunks(path), END_OF_TEXT)) {
    documents.write(text);
    if (ends) documents.end();
    if (buffer.full) break;
  }
  const tokens = buffer.tokens();
  if (tokens.length === 0) throw new Error("the text is empty; it must hold a document");
  return tokens;
}

function encodeRecords(path: string, { tokenizer }: TokensFor, options: FileOptions) {
  return withRecords(path, async (file) => {
    const column = columnOf(file, options, tokenizer);
    const buffer = new TokenBuffer(options.tokens, options.counted);
    let rows = 0;
    for await (const record of file.read([column.name], options.rows)) {
      column.push(record, buffer);
      options.seen.rows = ++rows;
      if (buffer.full) break;
    }
    const tokens = buffer.tokens();
    if (tokens.length === 0) throw new Error(`no row has anything in "${column.name}"`);
    return tokens;
  });
}
