export { END_OF_TEXT, type EncodeOptions, type Tokenizer } from "./bpe.js";
export { tokenizerFromJson, tokenizerFromVocabAndMerges } from "./tokenizer-files.js";
