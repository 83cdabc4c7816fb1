/**
 * All tokenizer files of a model's folder to one tokenizer, which gives the ids that transformers' AutoTokenizer gives.
 * transformers 4 writes the vocabulary as GPT-2's own two files and once more in tokenizer.json, and added tokens up to
 * three times; transformers 5 writes tokenizer.json and tokenizer_config.json. tokenizer.json is the authority.
 */
import type { AddedToken } from "./added-tokens.js";
import type { Tokenizer } from "../bpe.js";
import { FormatError } from "../errors.js";
import { parseJson, show } from "../json.js";
import { fields, requireField } from "./json-fields.js";
import {
  addedToken,
  assemble,
  contentOfJson,
  contentOfVocabAndMerges,
  type TokenizerContent,
} from "./files.js";
import { addedByPostProcessor, disagreements, outOfOrder } from "./notes.js";

const JSON_FILE = "tokenizer.json";
const ADDED = "added_tokens.json";
const CONFIG = "tokenizer_config.json";
const MAP = "special_tokens_map.json";

/** The files of a folder that say what its tokenizer is. */
export const TOKENIZER_FILES: readonly string[] = ["vocab.json", "merges.txt", JSON_FILE, ADDED, CONFIG, MAP];

/** The content of tokenizer files by file name, such as `vocab.json` and `merges.txt`. */
export type TokenizerFiles = Readonly<Record<string, string>>;

/**
 * The tokenizer files that a folder has.
 * @param read the bytes of a file; undefined where there is none of that name
 * @throws FormatError naming the file that is no UTF-8
 */
export async function readTokenizerFiles(
  read: (file: string) => Promise<Uint8Array | undefined>,
): Promise<TokenizerFiles> {
  const files: Record<string, string> = {};
  for (const file of TOKENIZER_FILES) {
    const bytes = await read(file);
    if (bytes === undefined) continue;
    try {
      files[file] = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch (cause) {
      throw new FormatError(`${file} is no text in UTF-8; get it again`, { cause });
    }
  }
  return files;
}

/** A folder's tokenizer. */
export interface FolderTokenizer {
  readonly tokenizer: Tokenizer;
  /** What was taken where the files disagree, or leave something open; a sentence each. */
  readonly notes: readonly string[];
}

/**
 * The tokenizer of a folder's files; undefined where there is neither tokenizer.json nor vocab.json with merges.txt.
 * @throws FormatError naming the file and what is wrong in it
 */
export function tokenizerFromFiles(files: TokenizerFiles): FolderTokenizer | undefined {
  const json = parsed(files, JSON_FILE);
  const vocab = parsed(files, "vocab.json");
  const merges = files["merges.txt"];
  const whole = json === undefined ? undefined : contentOfJson(json);
  const two =
    vocab === undefined || merges === undefined ? undefined : contentOfVocabAndMerges(vocab, merges);
  const content = whole ?? two;
  if (content === undefined) return undefined;

  const added = new AddedTokens(content);
  const elsewhere = tokensWithIds(files);
  for (const { file, token } of elsewhere) added.add(token, file, whole !== undefined);
  for (const named of namedTokens(files)) added.addNamed(named);
  const tokens = [...added.byText.values()];
  const others = new Set(elsewhere.map(({ token }) => token.content));
  const notes = [
    ...(whole && two ? disagreements(whole, two, others) : []),
    ...added.notes,
    ...outOfOrder(content.vocab, tokens),
    ...addedByPostProcessor(json),
  ];
  return { tokenizer: assemble({ ...content, added: tokens }), notes };
}

/** The added tokens of the other files, by id. As in transformers, the second file counts where the first has none. */
function tokensWithIds(files: TokenizerFiles): { readonly file: string; readonly token: AddedToken }[] {
  const { added_tokens_decoder: decoder } = configOf(files);
  if (decoder !== undefined) {
    const where = `${CONFIG}: added_tokens_decoder`;
    return Object.entries(fields(where, decoder)).map(([id, entry]) => ({
      file: CONFIG,
      token: addedToken(`${where}[${show(id)}]`, entry, Number(id)),
    }));
  }
  const special = new Set(namedTokens(files).map(({ entry }) => entry.content));
  return Object.entries(fields(ADDED, parsed(files, ADDED) ?? {}))
    .map(([content, id]) =>
      addedToken(`${ADDED}: ${show(content)}`, { content, special: special.has(content) }, id),
    )
    .sort((a, b) => a.id - b.id)
    .map((token) => ({ file: ADDED, token }));
}

const ROLES = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];
const LISTS = ["additional_special_tokens", "extra_special_tokens"];

interface NamedToken {
  readonly file: string;
  readonly role: string;
  readonly entry: Readonly<Record<string, unknown>>;
}

/** The tokens that have a role; a token that no file gives an id is one all the same. */
function namedTokens(files: TokenizerFiles): NamedToken[] {
  const config = configOf(files);
  // As in transformers: the map is older than the decoder, and goes before the config.
  const map = config.added_tokens_decoder === undefined ? fields(MAP, parsed(files, MAP) ?? {}) : {};
  return [...ROLES, ...LISTS].flatMap((role) => {
    const file = Object.hasOwn(map, role) ? MAP : CONFIG;
    const value = file === MAP ? map[role] : config[role];
    const values = LISTS.includes(role) ? Object.values(value ?? {}) : [value];
    return values.flatMap((one: unknown) => {
      const entry = typeof one === "string" ? { content: one } : fields(`${file}: ${role}`, one ?? {});
      return entry.content === undefined ? [] : [{ file, role, entry: { ...entry, special: true } }];
    });
  });
}

/** @throws FormatError when it asks for something that GPT-2's tokenizer does not do */
function configOf(files: TokenizerFiles): Record<string, unknown> {
  const config = fields(CONFIG, parsed(files, CONFIG) ?? {});
  for (const name of ["add_prefix_space", "split_special_tokens"]) {
    requireField(`${CONFIG}: ${name}`, config[name], [undefined, null, false]);
  }
  return config;
}

/** Added tokens as they are gathered from one file after the other: what came first stays. */
class AddedTokens {
  readonly byText: Map<string, AddedToken>;
  readonly notes: string[] = [];
  readonly #vocab: TokenizerContent["vocab"];
  readonly #byId: Map<number, string>;

  constructor({ vocab, added }: TokenizerContent) {
    this.#vocab = vocab;
    this.#byId = new Map([...vocab].map(([text, id]) => [id, text]));
    this.byText = new Map();
    for (const token of added) this.#set(token);
  }

  /** A token of another file. That the first has no such token is said where that is tokenizer.json. */
  add(token: AddedToken, file: string, isSaid: boolean): void {
    const { content, id } = token;
    const known = this.byText.get(content);
    const knownId = known?.id ?? this.#vocab.get(content);
    const holder = this.#byId.get(id);
    if (knownId !== undefined) {
      if (knownId !== id) this.notes.push(`${show(content)} is ${id} in ${file}; it is taken as ${knownId}`);
      else if (known && !sameRules(known, token)) {
        this.notes.push(`${show(content)} has other flags in ${file}; those of ${JSON_FILE} are taken`);
      }
      if (!known) this.#set({ ...token, id: knownId });
    } else if (holder !== undefined) {
      this.notes.push(`${show(content)} is ${id} in ${file}, which is ${show(holder)}; it is left out`);
    } else {
      if (isSaid)
        this.notes.push(`${show(content)} (${id}) is in ${file} and not in ${JSON_FILE}; it is taken`);
      this.#set(token);
    }
  }

  addNamed({ file, role, entry }: NamedToken): void {
    const text = String(entry.content);
    if (this.byText.has(text)) return;
    const known = this.#vocab.get(text);
    const id = known ?? [...this.#byId.keys()].reduce((a, b) => Math.max(a, b)) + 1;
    if (known === undefined) {
      this.notes.push(
        `${show(text)}, ${role} of ${file}, has no id in any file: it gets the next one, ${id}`,
      );
    }
    this.#set(addedToken(`${file}: ${role}`, entry, id));
  }

  #set(token: AddedToken): void {
    this.byText.set(token.content, token);
    this.#byId.set(token.id, token.content);
  }
}

function sameRules(a: AddedToken, b: AddedToken): boolean {
  return a.singleWord === b.singleWord && a.lstrip === b.lstrip && a.rstrip === b.rstrip;
}

/** @throws FormatError when a file is there and is no JSON */
function parsed(files: TokenizerFiles, file: string): unknown {
  return Object.hasOwn(files, file) ? parseJson(files[file], file) : undefined;
}
