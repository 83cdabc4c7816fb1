export {
  batchAt,
  batchRows,
  sequentialBatches,
  validationPart,
  windowsPerEpoch,
  type Batch,
  type BatchAtOptions,
  type BatchOptions,
} from "./batches.js";
export { type Encoder, END_OF_TEXT, type EncodeOptions, type Tokenizer } from "./bpe.js";
export { documentEncoder, encodeDocuments } from "./corpus.js";
export { FormatError } from "./errors.js";
export { checkNesting, MOST_NESTED, parseJson, show } from "./json.js";
export { printable } from "./printable.js";
export { trainingRows, type TrainingRows } from "./rows.js";
export {
  decodeTokens,
  readShard,
  SHARD_HEAD_BYTES,
  shardLayout,
  shardStart,
  writeLlmcShard,
  writeNanogptShard,
  type Shard,
  type ShardFormat,
  type ShardLayout,
  type ShardStart,
} from "./shards.js";
export {
  type FolderTokenizer,
  readTokenizerFiles,
  TOKENIZER_FILES,
  type TokenizerFiles,
  tokenizerFromFiles,
} from "./tokenizer/folder.js";
export { tokenizerFromJson, tokenizerFromVocabAndMerges } from "./tokenizer/files.js";
