/**
 * Makes a tokenizer from the content of GPT-2's files: vocab.json and merges.txt, or Hugging Face's tokenizer.json.
 * It takes what was parsed and reads no file. What this tokenizer would encode differently is refused, not ignored.
 * A folder's files together are in tokenizer-folder.ts.
 */
import type { AddedToken } from "./added-tokens.js";
import { createTokenizer, END_OF_TEXT, type Tokenizer } from "../bpe.js";
import { byteToCharacter, tokenBytes } from "../byte-alphabet.js";
import { FormatError } from "../errors.js";
import { checkNesting, show } from "../json.js";
import { fields, list, requireField } from "./json-fields.js";
import { MergeTable } from "../merge.js";

/**
 * A tokenizer from GPT-2's own two files.
 * @param vocabJson the parsed content of vocab.json (or encoder.json): token → id
 * @param mergesTxt the text of merges.txt (or vocab.bpe): a line `left right` per merge, first learned first; a
 *   first line starting with `#version` is skipped
 * @throws FormatError when a token, id or merge is wrong, naming it and its line
 */
export function tokenizerFromVocabAndMerges(vocabJson: unknown, mergesTxt: string): Tokenizer {
  return assemble(contentOfVocabAndMerges(vocabJson, mergesTxt));
}

/**
 * A tokenizer from Hugging Face's tokenizer.json, for a ByteLevel pre-tokenizer and a BPE model as GPT-2 has.
 * Merges may be written `"a b"` or `["a", "b"]`. A post-processor is not applied: `encode` never puts a token before
 * or after a text.
 * @param tokenizerJson the parsed content of tokenizer.json
 * @throws FormatError when the file asks for something that GPT-2's tokenizer does not do, naming the field
 */
export function tokenizerFromJson(tokenizerJson: unknown): Tokenizer {
  return assemble(contentOfJson(tokenizerJson));
}

/** What files say, before a tokenizer is made of it. */
export interface TokenizerContent {
  /** How errors call the vocabulary. */
  readonly vocabName: string;
  readonly vocab: ReadonlyMap<string, number>;
  readonly merges: readonly NamedMerge[];
  readonly added: readonly AddedToken[];
}

/** A merge, not checked yet, and how errors call its place. */
export interface NamedMerge {
  readonly where: string;
  readonly pair: unknown;
}

/**
 * OpenAI's two files: vocab.json, parsed, and the text of merges.txt. @throws FormatError naming the file and what is wrong in
 * it
 */
export function contentOfVocabAndMerges(vocabJson: unknown, mergesTxt: string): TokenizerContent {
  const merges: NamedMerge[] = [];
  mergesTxt.split("\n").forEach((text, index) => {
    const line = text.endsWith("\r") ? text.slice(0, -1) : text;
    if (line === "" || (index === 0 && line.startsWith("#version"))) return;
    merges.push({ where: `merges.txt, line ${index + 1}`, pair: line.split(" ") });
  });
  return { vocabName: "vocab.json", vocab: vocabulary("vocab.json", vocabJson), merges, added: [] };
}

/** Hugging Face's tokenizer.json, parsed. @throws FormatError naming the field that no GPT-2 has */
export function contentOfJson(tokenizerJson: unknown): TokenizerContent {
  checkNesting(tokenizerJson, "tokenizer.json");
  const file = fields("tokenizer.json", tokenizerJson);
  const model = fields("tokenizer.json: model", file.model);
  const pre = fields("tokenizer.json: pre_tokenizer", file.pre_tokenizer);
  const need = (name: string, value: unknown, allowed: unknown[]) =>
    requireField(`tokenizer.json: ${name}`, value, allowed);
  need("normalizer", file.normalizer, [undefined, null]);
  need("pre_tokenizer.type", pre.type, ["ByteLevel"]);
  need("pre_tokenizer.add_prefix_space", pre.add_prefix_space, [false]);
  need("pre_tokenizer.use_regex", pre.use_regex, [undefined, true]);
  need("model.type", model.type, [undefined, "BPE"]);
  for (const name of ["continuing_subword_prefix", "end_of_word_suffix"]) {
    need(`model.${name}`, model[name], [undefined, null, ""]);
  }
  for (const name of ["byte_fallback", "ignore_merges"]) {
    need(`model.${name}`, model[name], [undefined, null, false]);
  }
  need("model.dropout", model.dropout, [undefined, null, 0]);

  const merges = list("tokenizer.json: model.merges", model.merges).map((merge, index): NamedMerge => {
    const pair = typeof merge === "string" ? merge.split(" ") : merge;
    return { where: `tokenizer.json: model.merges[${index}]`, pair };
  });
  const added = list("tokenizer.json: added_tokens", file.added_tokens ?? []).map((entry, index) => {
    const where = `tokenizer.json: added_tokens[${index}]`;
    return addedToken(where, entry, fields(where, entry).id);
  });
  const vocabName = "tokenizer.json: model.vocab";
  return { vocabName, vocab: vocabulary(vocabName, model.vocab), merges, added };
}

/** An added token as tokenizer.json and tokenizer_config.json write it. @throws FormatError naming the field that is wrong */
export function addedToken(where: string, entry: unknown, id: unknown): AddedToken {
  const { content, special, normalized = special !== true, ...flags } = fields(where, entry);
  if (typeof content !== "string" || content === "") {
    throw new FormatError(`${where}.content is ${show(content)}; it must be the token's text`);
  }
  const flag = (name: string, value: unknown): boolean => {
    requireField(`${where}.${name}`, value, [undefined, false, true]);
    return value === true;
  };
  return {
    content,
    id: checkedId(`${where}.id`, id),
    singleWord: flag("single_word", flags.single_word),
    lstrip: flag("lstrip", flags.lstrip),
    rstrip: flag("rstrip", flags.rstrip),
    normalized: flag("normalized", normalized),
  };
}

/** @throws FormatError when the parts do not make a tokenizer, naming the token or merge */
export function assemble({ vocabName, vocab, merges, added }: TokenizerContent): Tokenizer {
  const addedTokens = new Map(added.map((token) => [token.content, token]));
  const eot = addedTokens.get(END_OF_TEXT)?.id ?? vocab.get(END_OF_TEXT);
  if (eot === undefined) {
    throw new FormatError(
      `${vocabName}: ${END_OF_TEXT} is missing; GPT-2's tokenizer separates documents with it`,
    );
  }
  if (!addedTokens.has(END_OF_TEXT)) addedTokens.set(END_OF_TEXT, plainToken(END_OF_TEXT, eot));

  const tokenOfId: string[] = [];
  const bytesOfId: (Uint8Array | undefined)[] = [];
  const ids: [string, number][] = Array.from(addedTokens.values(), ({ content, id }) => [content, id]);
  for (const [token, id] of [...vocab, ...ids]) {
    const holder = tokenOfId[id];
    if (holder !== undefined && holder !== token) {
      throw new FormatError(`${vocabName}: ${show(holder)} and ${show(token)} share the id ${id}`);
    }
    const other = vocab.get(token) ?? id;
    if (other !== id) {
      throw new FormatError(`${vocabName}: ${show(token)} is ${other}, and ${id} among the added tokens`);
    }
    const inVocab = vocab.has(token) ? tokenBytes(token) : undefined;
    const bytes = inVocab ?? (addedTokens.has(token) ? new TextEncoder().encode(token) : undefined);
    if (bytes === undefined) {
      throw new FormatError(
        `${vocabName}: ${show(token)} has a character that stands for no byte in GPT-2's alphabet`,
      );
    }
    tokenOfId[id] = token;
    bytesOfId[id] = bytes;
  }

  const idOfByte = byteToCharacter.map((character, byte) => {
    const id = vocab.get(character);
    if (id === undefined) {
      throw new FormatError(
        `${vocabName}: the token ${show(character)} for byte ${byte} is missing; a byte-level tokenizer has all 256`,
      );
    }
    return id;
  });

  const table = new MergeTable(bytesOfId.length);
  for (const { where, pair } of merges) {
    if (!isPair(pair)) {
      throw new FormatError(
        `${where}: ${show(pair)} is not a merge; it must be two tokens with one space between them`,
      );
    }
    const [left, right, result] = [...pair, pair.join("")].map((token) => {
      const id = vocab.get(token);
      if (id === undefined) {
        throw new FormatError(
          `${where}: the merge ${show(pair.join(" "))} needs the token ${show(token)}, which ${vocabName} does not have; are the two files of one tokenizer?`,
        );
      }
      return id;
    });
    if (!table.add(left, right, result))
      throw new FormatError(`${where}: the merge ${show(pair.join(" "))} is repeated`);
  }
  return createTokenizer({ bytesOfId, idOfByte, merges: table, added: [...addedTokens.values()], eot });
}

/** An added token as transformers makes it of a special one's name. */
function plainToken(content: string, id: number): AddedToken {
  return { content, id, singleWord: false, lstrip: false, rstrip: false, normalized: false };
}

function vocabulary(name: string, json: unknown): Map<string, number> {
  checkNesting(json, name);
  return new Map(
    Object.entries(fields(name, json)).map(([token, id]) => [
      token,
      checkedId(`${name}: the id of ${show(token)}`, id),
    ]),
  );
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
    throw new FormatError(`${name} is ${show(id)}; it must be an integer from 0 to ${MAX_ID}`);
  }
  return id;
}
