/**
 * Makes a tokenizer from the content of GPT-2's files: vocab.json and merges.txt, or Hugging Face's tokenizer.json.
 * It takes what was parsed and reads no file. What this tokenizer would encode differently is refused, not ignored.
 */
import { createTokenizer, END_OF_TEXT, type Tokenizer } from "./bpe.js";
import { byteToCharacter, tokenBytes } from "./byte-alphabet.js";
import { MergeTable } from "./merge.js";

/**
 * A tokenizer from GPT-2's own two files.
 * @param vocabJson the parsed content of vocab.json (or encoder.json): token → id
 * @param mergesTxt the text of merges.txt (or vocab.bpe): a line `left right` per merge, first learned first; a
 *   first line starting with `#version` is skipped
 * @throws Error when a token, id or merge is wrong, naming it and its line
 */
export function tokenizerFromVocabAndMerges(vocabJson: unknown, mergesTxt: string): Tokenizer {
  const merges: NamedMerge[] = [];
  mergesTxt.split("\n").forEach((text, index) => {
    const line = text.endsWith("\r") ? text.slice(0, -1) : text;
    if (line === "" || (index === 0 && line.startsWith("#version"))) return;
    merges.push({ where: `merges.txt, line ${index + 1}`, pair: line.split(" ") });
  });
  return assemble("vocab.json", vocabJson, merges, []);
}

/**
 * A tokenizer from Hugging Face's tokenizer.json, for a ByteLevel pre-tokenizer and a BPE model as GPT-2 has.
 * Merges may be written `"a b"` or `["a", "b"]`. Every added token counts as special: `encode` finds it in a text
 * only when asked to. A post-processor is not applied: `encode` never adds a token.
 * @param tokenizerJson the parsed content of tokenizer.json
 * @throws Error when the file asks for something that GPT-2's tokenizer does not do, naming the field
 */
export function tokenizerFromJson(tokenizerJson: unknown): Tokenizer {
  const file = fields("tokenizer.json", tokenizerJson);
  const model = fields("tokenizer.json: model", file.model);
  const pre = fields("tokenizer.json: pre_tokenizer", file.pre_tokenizer);
  requireField("normalizer", file.normalizer, [undefined, null]);
  requireField("pre_tokenizer.type", pre.type, ["ByteLevel"]);
  requireField("pre_tokenizer.add_prefix_space", pre.add_prefix_space, [false]);
  requireField("pre_tokenizer.use_regex", pre.use_regex, [undefined, true]);
  requireField("model.type", model.type, [undefined, "BPE"]);
  for (const name of ["continuing_subword_prefix", "end_of_word_suffix"]) {
    requireField(`model.${name}`, model[name], [undefined, null, ""]);
  }
  for (const name of ["byte_fallback", "ignore_merges"]) {
    requireField(`model.${name}`, model[name], [undefined, null, false]);
  }
  requireField("model.dropout", model.dropout, [undefined, null, 0]);

  const merges = list("tokenizer.json: model.merges", model.merges).map((merge, index): NamedMerge => {
    const pair = typeof merge === "string" ? merge.split(" ") : merge;
    return { where: `tokenizer.json: model.merges[${index}]`, pair };
  });
  const added = list("tokenizer.json: added_tokens", file.added_tokens ?? []).map(
    (entry, index): AddedToken => {
      const where = `added_tokens[${index}]`;
      const { content, id, ...flags } = fields(`tokenizer.json: ${where}`, entry);
      if (typeof content !== "string" || content === "") {
        throw new Error(`tokenizer.json: ${where}.content is ${show(content)}; it must be the token's text`);
      }
      for (const name of ["lstrip", "rstrip", "single_word"]) {
        requireField(`${where}.${name}`, flags[name], [undefined, false]);
      }
      return { content, id: checkedId(`tokenizer.json: ${where}.id`, id) };
    },
  );
  return assemble("tokenizer.json: model.vocab", model.vocab, merges, added);
}

interface NamedMerge {
  where: string;
  pair: unknown;
}

interface AddedToken {
  content: string;
  id: number;
}

function assemble(vocabName: string, vocab: unknown, merges: NamedMerge[], added: AddedToken[]): Tokenizer {
  const idOfToken = new Map<string, number>();
  for (const [token, id] of Object.entries(fields(vocabName, vocab))) {
    idOfToken.set(token, checkedId(`${vocabName}: the id of ${show(token)}`, id));
  }
  const specialTokens = new Map(added.map(({ content, id }) => [content, id]));
  const eot = specialTokens.get(END_OF_TEXT) ?? idOfToken.get(END_OF_TEXT);
  if (eot === undefined) {
    throw new Error(`${vocabName}: ${END_OF_TEXT} is missing; GPT-2's tokenizer separates documents with it`);
  }
  specialTokens.set(END_OF_TEXT, eot);

  const tokenOfId: string[] = [];
  const bytesOfId: (Uint8Array | undefined)[] = [];
  for (const [token, id] of [...idOfToken, ...specialTokens]) {
    const holder = tokenOfId[id];
    if (holder !== undefined && holder !== token) {
      throw new Error(`${vocabName}: ${show(holder)} and ${show(token)} share the id ${id}`);
    }
    const bytes = specialTokens.has(token) ? new TextEncoder().encode(token) : tokenBytes(token);
    if (bytes === undefined) {
      throw new Error(
        `${vocabName}: ${show(token)} has a character that stands for no byte in GPT-2's alphabet`,
      );
    }
    tokenOfId[id] = token;
    bytesOfId[id] = bytes;
  }

  const idOfByte = byteToCharacter.map((character, byte) => {
    const id = idOfToken.get(character);
    if (id === undefined) {
      throw new Error(
        `${vocabName}: the token ${show(character)} for byte ${byte} is missing; a byte-level tokenizer has all 256`,
      );
    }
    return id;
  });

  const table = new MergeTable(bytesOfId.length);
  for (const { where, pair } of merges) {
    if (!isPair(pair)) {
      throw new Error(
        `${where}: ${show(pair)} is not a merge; it must be two tokens with one space between them`,
      );
    }
    const [left, right, result] = [...pair, pair.join("")].map((token) => {
      const id = idOfToken.get(token);
      if (id === undefined) {
        throw new Error(
          `${where}: the merge ${show(pair.join(" "))} needs the token ${show(token)}, which ${vocabName} does not have; are the two files of one tokenizer?`,
        );
      }
      return id;
    });
    if (!table.add(left, right, result))
      throw new Error(`${where}: the merge ${show(pair.join(" "))} is repeated`);
  }
  return createTokenizer({ bytesOfId, idOfByte, merges: table, specialTokens, eot });
}

function isPair(value: unknown): value is [string, string] {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    value.every((part) => typeof part === "string" && part !== "")
  );
}

// Far above any vocabulary in use: a stray huge id would otherwise make a table of that length.
const MAX_ID = 2 ** 24;

function checkedId(name: string, id: unknown): number {
  if (typeof id !== "number" || !Number.isInteger(id) || id < 0 || id > MAX_ID) {
    throw new Error(`${name} is ${show(id)}; it must be an integer from 0 to ${MAX_ID}`);
  }
  return id;
}

function fields(name: string, value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`${name} is ${show(value)}; it must be a JSON object (parsed, not its text)`);
  }
  return value as Record<string, unknown>;
}

function list(name: string, value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new Error(`${name} is ${show(value)}; it must be a list`);
  return value;
}

function requireField(name: string, value: unknown, allowed: unknown[]): void {
  if (allowed.includes(value)) return;
  const wanted = allowed.filter((choice) => choice !== undefined).map(show);
  throw new Error(`tokenizer.json: ${name} is ${show(value)}; GPT-2's tokenizer has ${wanted.join(" or ")}`);
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
