/**
 * A Hugging Face model folder to a model on the host, and back, wherever the folder is: on disk (node.ts), behind a
 * browser's file picker, in memory. Nothing here touches a file system or a backend.
 */
import {
  type ByteSource,
  fromBytes,
  openStore,
  readIndex,
  SafetensorsError,
  type Store,
} from "@normless/safetensors";
import {
  FormatError,
  parseJson,
  readTokenizerFiles,
  show,
  TOKENIZER_FILES,
  type Tokenizer,
  type TokenizerFiles,
  tokenizerFromFiles,
} from "@normless/text";
import { checkConfig, type Gpt2Config } from "../model/config.js";
import { NotFiniteError } from "../model/finite.js";
import { endsElsewhere, GENERATION } from "./generation-config.js";
import { configFromHf, configText, isStock } from "./hf-config.js";
import { DEFAULT_SHARD_BYTES, INDEX, isWeightFile, WEIGHTS, weightFiles } from "./hf-shards.js";
import { readWeights, type WeightDtype, weightEntries, type WeightNames } from "./hf-weights.js";
import { type Layout, lnFreeNotes } from "./layout.js";
import { checkModel } from "../model/params.js";
import type { HostModel, Weights } from "../model/weights.js";

/** The port to a folder's files. */
export interface Folder {
  /** How errors call it. */
  readonly name: string;
  /** The names of its files. */
  list(): Promise<readonly string[]>;
  /** Undefined where there is no file of that name. The folder keeps the source open as long as it is itself. */
  open(file: string): Promise<ByteSource | undefined>;
}

/** A model as a folder holds it. */
export interface LoadedModel<W extends Weights = Weights> extends HostModel<W> {
  /** Undefined where the folder has no tokenizer's files. */
  readonly tokenizer: Tokenizer | undefined;
  /** The tokenizer's files as they are, for a folder to be written. */
  readonly tokenizerFiles: TokenizerFiles;
  /** Which of the known forms it was in. */
  readonly layout: Layout;
  /** What was read as something that people might not expect, in words, for whoever reads the folder to say. */
  readonly notes: readonly string[];
}

/** What a folder is written from. */
export interface ModelToWrite extends HostModel {
  readonly tokenizerFiles?: TokenizerFiles | undefined;
  /** Default F32. Anything less rounds the weights. */
  readonly dtype?: WeightDtype | undefined;
  /** Default `transformers`. `transformer-lens` is for a folded model. */
  readonly names?: WeightNames | undefined;
  /** Weights above this many bytes go into several files and an index; default 5 GB, as transformers does. */
  readonly shardBytes?: number | undefined;
  /** The text of README.md. */
  readonly modelCard?: string | undefined;
}

/** A file by its name in the folder, and its bytes in order. */
export interface FileToWrite {
  readonly name: string;
  readonly chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

const TOKENIZER_CONFIG = "tokenizer_config.json";
const NAMES_GPT2 = `${JSON.stringify({ tokenizer_class: "GPT2Tokenizer" }, undefined, 2)}\n`;

const TORCH_DTYPES = { F32: "float32", F16: "float16", BF16: "bfloat16" } as const satisfies Record<
  WeightDtype,
  string
>;

/**
 * Reads config.json, the header of model.safetensors (or of its shards, and their index) and the tokenizer, where there is
 * one. The weights are read one by one when they are asked for, so that the folder must stay open as long as they may be;
 * `gatherWeights` reads all. A NotFiniteError names the file, the parameter and the element that is NaN or infinite when
 * that is read, and a SafetensorsError says that a file changed since.
 * @throws FormatError naming the folder, the file and what is wrong in it; SafetensorsError where that is of the weights.
 */
export async function readModel(folder: Folder): Promise<LoadedModel> {
  const text = await needText(folder, "config.json");
  const {
    config: written,
    norms,
    notes,
  } = inside(folder, () => configFromHf(parseJson(text, "config.json")));
  const { store, files } = await openWeights(folder);
  const where = `${folder.name}: config.json and ${files}`;
  const model = await readWeights(store, written, norms, where).catch((cause: unknown) => {
    const kinds = [FormatError, SafetensorsError, NotFiniteError];
    throw kinds.some((Kind) => cause instanceof Kind) ? cause : formatError(cause);
  });

  const tokenizerFiles = await readTokenizerFiles((file) => readBytes(folder, file)).catch(
    (cause: unknown) => {
      throw errorIn(folder, cause);
    },
  );
  const generation = await readText(folder, GENERATION);
  return inside(folder, () => {
    const read = tokenizerFromFiles(tokenizerFiles);
    const ofTokenizer = read ? [...read.notes, ...beyond(read.tokenizer, model.config)] : [];
    const all = [
      ...notes,
      ...lnFreeNotes(model.layout, model),
      ...endsElsewhere(
        generation === undefined ? undefined : parseJson(generation, GENERATION),
        model.config,
      ),
      ...ofTokenizer,
    ];
    return { ...model, tokenizer: read?.tokenizer, tokenizerFiles, notes: all };
  });
}

/**
 * Added tokens that the model has no embedding for, as a padding token that was never used in training: no text can
 * have them. @throws Error when others are beyond the vocabulary, too.
 */
function beyond(tokenizer: Tokenizer, { vocabSize }: Pick<Gpt2Config, "vocabSize">): string[] {
  const added = [...tokenizer.addedTokens].filter(([, id]) => id >= vocabSize);
  let count = 0;
  for (let id = vocabSize; id < tokenizer.vocabSize; id++) if (tokenizer.has(id)) count++;
  if (count > added.length) {
    throw new FormatError(
      `the tokenizer has ${tokenizer.vocabSize} tokens, but the model's vocabulary is ${vocabSize}. ` +
        "Do they belong to one model?",
    );
  }
  return added.map(
    ([text, id]) =>
      `${show(text)} has the id ${id}, and the model's vocabulary is ${vocabSize}: a text with it cannot be read`,
  );
}

/**
 * The files of a model's folder, config.json last: a folder that has one is whole. Read them in order; the weights
 * are read, or computed, one by one as their chunks are taken, which throws a NotFiniteError for a value that is none and
 * a RangeError for one that the dtype cannot hold.
 * @throws Error when the weights are not of the config, or a file's name is taken.
 */
export function modelFiles(model: ModelToWrite): FileToWrite[] {
  const { config, norms, tokenizerFiles = {}, dtype = "F32", names = "transformers", modelCard } = model;
  checkConfig(config);
  checkModel(model);
  const stranger = Object.keys(tokenizerFiles).find((name) => !TOKENIZER_FILES.includes(name));
  if (stranger !== undefined) {
    throw new Error(`tokenizerFiles: "${stranger}" is none of ${TOKENIZER_FILES.join(", ")}`);
  }
  // Every transformers of 4 and of 5 reads `torch_dtype`; `dtype`, which 5 writes, only those from 4.56 on.
  const hf = configText(config, norms, { torch_dtype: TORCH_DTYPES[dtype] });
  // Or else transformers would not know which tokenizer goes with a model_type that it does not know.
  const isNamed = TOKENIZER_CONFIG in tokenizerFiles || isStock(config, norms);
  const needsName = !isNamed && Object.keys(tokenizerFiles).length > 0;
  const named: TokenizerFiles = needsName ? { [TOKENIZER_CONFIG]: NAMES_GPT2 } : {};
  return [
    ...weightFiles(weightEntries(model, dtype, names), model.shardBytes ?? DEFAULT_SHARD_BYTES),
    ...Object.entries({ ...tokenizerFiles, ...named }).map(([name, text]) => textFile(name, text)),
    ...(modelCard === undefined ? [] : [textFile("README.md", modelCard)]),
    textFile("config.json", hf),
  ];
}

/** Whether `modelFiles` makes files of this name. */
export function isModelFile(name: string): boolean {
  return ["config.json", "README.md", ...TOKENIZER_FILES].includes(name) || isWeightFile(name);
}

/** Files in memory as a folder: what `modelFiles` made, a download, a test. */
export function memoryFolder(name: string, files: Readonly<Record<string, Uint8Array>>): Folder {
  return {
    name,
    list: () => Promise.resolve(Object.keys(files)),
    open: (file) =>
      Promise.resolve(Object.hasOwn(files, file) ? fromBytes(files[file], `${name}/${file}`) : undefined),
  };
}

/** model.safetensors, or else the shards of the index. `files` is how errors call them. */
async function openWeights(folder: Folder): Promise<{ readonly store: Store; readonly files: string }> {
  const single = await folder.open(WEIGHTS);
  if (single) return { store: await openStore([single]), files: WEIGHTS };
  const text = await readText(folder, INDEX);
  if (text === undefined) {
    const there = await folder.list();
    const pickled = there.find((file) => /\.(bin|pt|pth|ckpt)$/.test(file));
    throw new FormatError(
      `${folder.name}: there is no ${WEIGHTS} (and no ${INDEX}); the files there are: ${named(there)}. ` +
        (pickled === undefined
          ? "Give a Hugging Face model's folder."
          : `${pickled} is a pickle, which is not read: save the model with safetensors.`),
    );
  }
  const index = readIndex(text, `${folder.name}/${INDEX}`);
  const shards = [...new Set(index.values())].sort();
  const sources: ByteSource[] = [];
  for (const shard of shards) {
    const source = await folder.open(shard);
    if (!source)
      throw new FormatError(`${folder.name}: there is no ${shard}, which ${INDEX} lists; get it too`);
    sources.push(source);
  }
  return {
    store: await openStore(sources, { index }),
    files: `the ${shards.length} shards of ${INDEX}`,
  };
}

/** Puts the folder's name before the errors of what is read from it. */
function inside<X>(folder: Folder, read: () => X): X {
  try {
    return read();
  } catch (cause) {
    throw errorIn(folder, cause);
  }
}

function errorIn(folder: Folder, cause: unknown): FormatError {
  return formatError(cause, `${folder.name}: `);
}

function formatError(cause: unknown, where = ""): FormatError {
  return new FormatError(where + (cause instanceof Error ? cause.message : String(cause)), { cause });
}

/** Bytes of a text, at most; GPT-2's tokenizer.json has a hundredth of that. */
const MOST_TEXT = 2 ** 28;

async function readBytes(folder: Folder, file: string): Promise<Uint8Array | undefined> {
  const source = await folder.open(file);
  if (source && source.size > MOST_TEXT) {
    throw new FormatError(
      `${folder.name}: ${file} has ${source.size} bytes, and no such file has more than ${MOST_TEXT}; get it again`,
    );
  }
  return source && source.read(0, source.size);
}

/** @throws FormatError naming the file that is no UTF-8 */
async function readText(folder: Folder, file: string): Promise<string | undefined> {
  const bytes = await readBytes(folder, file);
  try {
    return bytes && new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FormatError(`${folder.name}: ${file} is no text in UTF-8; get it again`, { cause });
  }
}

/** The files of a folder, of many the first. */
function named(files: readonly string[]): string {
  return files.length === 0 ? "none" : files.slice(0, 20).join(", ") + (files.length > 20 ? ", …" : "");
}

async function needText(folder: Folder, file: string): Promise<string> {
  const text = await readText(folder, file);
  if (text !== undefined) return text;
  const there = named(await folder.list());
  throw new FormatError(
    `${folder.name}: there is no ${file}; the files there are: ${there}. Give a model's folder.`,
  );
}

function textFile(name: string, text: string): FileToWrite {
  return { name, chunks: [new TextEncoder().encode(text)] };
}
