/** A tokenizer's files of which one is anybody's; the first byte says which. */
import {
  FormatError,
  printable,
  readTokenizerFiles,
  TOKENIZER_FILES,
  tokenizerFromFiles,
  tokenizerFromJson,
} from "@normless/text";
import { merges, tokenizerJson, vocab } from "../tiny-tokenizer.js";
import type { Target } from "../target.js";

const seed = (file: string, content: unknown) => {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  return Uint8Array.of(TOKENIZER_FILES.indexOf(file), ...new TextEncoder().encode(text));
};
const bytesOf = (content: unknown) =>
  new TextEncoder().encode(typeof content === "string" ? content : JSON.stringify(content));

const two: Readonly<Record<string, Uint8Array>> = {
  "vocab.json": bytesOf(vocab),
  "merges.txt": bytesOf(merges),
};
const TEXT = `the cat<|endoftext|> \u00e9\n\n  then 12 <pad> the<x>  <y>  ${"th".repeat(40)}`;

export const target: Target = {
  seeds: () =>
    Promise.resolve([
      seed("vocab.json", vocab),
      seed("merges.txt", merges),
      seed("vocab.json", { ...vocab, the: 256 }),
      seed("vocab.json", { a: 0 }),
      seed("vocab.json", { ...vocab, " ": 300 }),
      seed("vocab.json", { ...vocab, "<|endoftext|>": undefined }),
      seed("added_tokens.json", { "<|endoftext|>": 256, the: 300, "<b>": 258, " ": 261, "a ": 262 }),
      seed("merges.txt", "t h\r\nth e\n\nt h"),
      seed("tokenizer.json", tokenizerJson),
      seed("tokenizer.json", {
        ...tokenizerJson,
        added_tokens: [{ id: 300, content: "<pad>", single_word: true, lstrip: true, rstrip: true }],
        post_processor: {
          type: "Sequence",
          processors: [{ type: "TemplateProcessing", single: [{ SpecialToken: { id: "<s>", type_id: 0 } }] }],
        },
      }),
      seed("added_tokens.json", { "<pad>": 259, th: 257, "<a>": 256 }),
      seed("tokenizer_config.json", {
        add_prefix_space: false,
        eos_token: "<|endoftext|>",
        pad_token: { content: "<pad>", lstrip: true },
        additional_special_tokens: ["<x>", { content: "<y>", rstrip: true }],
        added_tokens_decoder: {
          256: { content: "<|endoftext|>", special: true },
          260: { content: " y", single_word: true },
        },
      }),
      seed("tokenizer_config.json", {
        pad_token: "<pad>",
        extra_special_tokens: { a: "<a>" },
        split_special_tokens: true,
      }),
      seed("tokenizer_config.json", { added_tokens_decoder: { 257: { content: "th", single_word: true } } }),
      seed("tokenizer.json", `{"a":${"[".repeat(200)}${"]".repeat(200)}}`),
      seed("special_tokens_map.json", {
        pad_token: "<pad>",
        mask_token: { content: "<m>", normalized: true },
      }),
    ]),
  async read(bytes) {
    const file = TOKENIZER_FILES[(bytes[0] ?? 0) % TOKENIZER_FILES.length];
    const files = { ...two, [file]: bytes.subarray(1) };
    const texts = await readTokenizerFiles((name) => Promise.resolve(files[name]));
    const read = tokenizerFromFiles(texts);
    if (!read) return undefined;
    const { tokenizer, notes } = read;
    for (const note of notes)
      if (printable(note) !== note) throw new Error(`a note is not safe to show: ${note}`);
    const ids = tokenizer.encode(TEXT);
    const encoder = tokenizer.encoder();
    const pieces = TEXT.match(/.{1,3}/gsu) ?? [];
    const parts = [...pieces.flatMap((piece) => encoder.write(piece)), ...encoder.end()];
    if (parts.join() !== ids.join()) throw new Error("a text in pieces has other ids than the whole");
    const decoded = tokenizer.decode(ids);
    // An added token may take the white space beside it.
    const plain = tokenizer.addedTokens.size === 1 && decoded !== TEXT;
    if (plain) throw new Error(`${JSON.stringify(TEXT)} came back as ${JSON.stringify(decoded)}`);
    if (file === "tokenizer.json") tokenizerFromJson(JSON.parse(texts[file]));
    return ids;
  },
  errors: [FormatError],
  names: /(vocab|tokenizer|added_tokens|tokenizer_config|special_tokens_map)\.json|merges\.txt/,
  reader: [
    "tokenizer/added-tokens",
    "tokenizer/files",
    "tokenizer/folder",
    "tokenizer/json-fields",
    "tokenizer/notes",
  ]
    .concat(["json", "printable"])
    .map((file) => `packages/text/src/${file}.ts`),
};
