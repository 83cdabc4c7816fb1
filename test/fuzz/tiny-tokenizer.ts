/** A tokenizer of the 256 bytes, of end-of-text and of two merges, as its files. */

const codes = Array.from({ length: 324 }, (_, code) => code);
const isByte = (code: number) => code > 32 && code !== 173 && (code < 127 || code > 160);
const alphabet = codes.filter(isByte).map((code) => String.fromCharCode(code));
const tokens = [...alphabet, "<|endoftext|>", "th", "the"];

/** Token to id. */
export const vocab: Readonly<Record<string, number>> = Object.fromEntries(
  tokens.map((token, id) => [token, id]),
);
export const merges = "#version: 0.2\nt h\nth e\n";

/** The same as one file. */
export const tokenizerJson = {
  version: "1.0",
  added_tokens: [{ id: 256, content: "<|endoftext|>", special: true, normalized: false }],
  normalizer: null,
  pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
  post_processor: { type: "ByteLevel", trim_offsets: false },
  model: { type: "BPE", dropout: null, vocab, merges: ["t h", ["th", "e"]] },
};
