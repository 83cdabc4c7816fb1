export { byteChunks, joined } from "./sources/bytes.js";
export { NO_TOKENIZER, type ColumnOptions, type RowOptions } from "./formats/documents.js";
export { DataError, firstNames, RequestError, type NamedOption, type Words } from "./errors.js";
export { ServerError } from "./sources/fetch.js";
export { findFiles, type FoundFiles } from "./sources/find-files.js";
export {
  dataEndings,
  dataKindsText,
  hasColumns,
  isDataFile,
  isUrl,
  kindOf,
  type DataKind,
} from "./formats/kinds.js";
export { linesOf, textParts, type TextPart } from "./formats/lines.js";
export { inMemory, withFile, type Bytes } from "./formats/pieces.js";
export { readTokens, type FileRead, type ReadOptions, type TokensFor } from "./read-tokens.js";
export type { DataRecord, RecordFile } from "./formats/record.js";
export { fieldOf, withRecords } from "./formats/records.js";
export { dataName, isStandardInput } from "./sources/standard-input.js";
export { MOST_TOKENS } from "./tokens.js";
