/** What a training starts from: a shape, a tokenizer and fresh weights, or a model that has all three. */
import {
  checkConfig,
  configFromHf,
  describeLayout,
  type Gpt2Config,
  type HostModel,
  type LoadedModel,
  type PresetName,
  presets,
  sitesWithoutNorm,
  stopTokens,
} from "@normless/gpt2";
import type { Tokenizer, TokenizerFiles } from "@normless/text";
import { messageOf, optionName, UsageError, within } from "../errors.js";
import { findModel, findTokenizer } from "../models/hub.js";
import type { Io } from "../terminal/io.js";
import { readJson } from "../json/json.js";
import { didYouMean } from "../options/nearest.js";
import { sayNotes } from "../models/read-model.js";
import { shippedModel } from "../models/shipped.js";
import { readTokenizerSaying } from "../models/tokenizer-folder.js";

/** The shape of a new model, field by field; what is given goes before what a preset or a config.json says. */
export interface ShapeFields {
  readonly layers?: number | undefined;
  readonly heads?: number | undefined;
  readonly channels?: number | undefined;
  readonly inner?: number | undefined;
  readonly context?: number | undefined;
  readonly vocabSize?: number | undefined;
}

export interface StartOptions extends ShapeFields {
  readonly model?: string | undefined;
  readonly tokenizer?: string | undefined;
  readonly preset?: string | undefined;
  readonly modelConfig?: string | undefined;
  /** Of a file of options alone. */
  readonly shape?: Gpt2Config | undefined;
}

export interface TrainStart {
  readonly config: Gpt2Config;
  /** Undefined where a model has none: then tokens are what it is trained on. */
  readonly tokenizer: Tokenizer | undefined;
  readonly tokenizerFiles: TokenizerFiles;
  /** The folder of the tokenizer. */
  readonly folder: string;
  /** A model to go on from, and where it is. */
  readonly from?: (Pick<HostModel, "weights" | "norms"> & { readonly folder: string }) | undefined;
}

const FIELDS = ["layers", "heads", "channels", "inner", "context", "vocabSize"] as const;
const SHAPE = ["preset", "modelConfig", "shape", ...FIELDS] as const;

/**
 * What is asked for, for as long as `use` takes: a model to go on from is open until then.
 * @throws UsageError naming the options that contradict each other, or what does not fit the tokenizer
 */
export async function trainStart<X>(
  io: Io,
  options: StartOptions,
  use: (start: TrainStart) => Promise<X>,
): Promise<X> {
  const { model, tokenizer } = options;
  if (model !== undefined) return fromModel(io, options, model, use);
  const folder = await findTokenizer(io, tokenizer ?? shippedModel());
  const read = await readTokenizerSaying(io, folder);
  const config = await newShape(io, options, { tokenizer: read.tokenizer, folder });
  return use({ config, ...read, folder });
}

/**
 * What a training that goes on needs besides its checkpoint.
 * @throws UsageError when a model is named, and the training began with fresh weights
 */
export async function resumedStart<X>(
  io: Io,
  { model, tokenizer }: Pick<StartOptions, "model" | "tokenizer">,
  beganFromModel: boolean,
  use: (start: Pick<TrainStart, "tokenizer" | "tokenizerFiles" | "from">) => Promise<X>,
): Promise<X> {
  if (beganFromModel) return trainStart(io, { model, tokenizer }, use);
  if (model !== undefined) {
    throw new UsageError("--model cannot change a training that began with fresh weights; leave it out");
  }
  return use(await readTokenizerSaying(io, await findTokenizer(io, tokenizer ?? shippedModel())));
}

async function fromModel<X>(
  io: Io,
  options: StartOptions,
  name: string,
  use: (start: TrainStart) => Promise<X>,
): Promise<X> {
  const stray = SHAPE.find((field) => options[field] !== undefined);
  if (stray !== undefined) {
    throw new UsageError(
      `${optionName(stray)} is for the shape of a new model, and --model goes on from one that has its own; give one ` +
        "of them",
    );
  }
  const found = await findModel(io, name);
  return found.use(async (model) => use(await startFrom(io, options, { name, folder: found.folder, model })));
}

/** What a training begins with that goes on from a model. */
async function startFrom(
  io: Io,
  options: StartOptions,
  { name, folder, model }: { readonly name: string; readonly folder: string; readonly model: LoadedModel },
): Promise<TrainStart> {
  const { config, weights, norms, layout, tokenizer, tokenizerFiles } = model;
  const [gone, all] = [sitesWithoutNorm({ norms }).length, Object.keys(norms).length];
  if (gone > 0) {
    io.err(
      `${folder}: ${all - gone} of its ${all} norms are LayerNorms (${describeLayout(layout)}); all are trained as ` +
        "they are\n",
    );
  }
  const from = { weights, norms, folder };
  const { tokenizer: other } = options;
  if (other === undefined) return { config, tokenizer, tokenizerFiles, folder, from };
  if (tokenizer) {
    throw new UsageError(
      `--tokenizer ${other}: the model ${name} has a tokenizer of its own, which its weights were trained with; leave ` +
        "--tokenizer out",
    );
  }
  const otherFolder = await findTokenizer(io, other);
  const read = await readTokenizerSaying(io, otherFolder);
  checkTokenizer(config, { tokenizer: read.tokenizer, folder: otherFolder }, `of ${name}`);
  return { config, ...read, folder: otherFolder, from };
}

interface TokenizerOf {
  readonly tokenizer: Tokenizer;
  readonly folder: string;
}

/** Of a preset, the vocabulary and end-of-text are the tokenizer's. */
async function newShape(io: Io, options: StartOptions, of: TokenizerOf): Promise<Gpt2Config> {
  const { preset, modelConfig, shape: whole } = options;
  const said = { "--preset": preset, "--model-config": modelConfig, "a file's shape": whole };
  const [one, other] = Object.entries(said).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (other !== undefined) {
    throw new UsageError(`${one} and ${other} both say the model's shape; give one of them`);
  }
  if (modelConfig !== undefined) {
    const json = await readJson(modelConfig);
    const { config, notes } = await within(modelConfig, () => configFromHf(json));
    sayNotes(io, modelConfig, { notes });
    return withFields(config, options, of, `of ${modelConfig}`);
  }
  if (whole !== undefined) return withFields(whole, options, of, "of the file's shape");
  const { vocabSize, eot } = of.tokenizer;
  const name = preset ?? "base";
  const shape = presetOf(name);
  const tokens = options.vocabSize ?? vocabSize;
  if (shape.vocabSize !== tokens || shape.eot !== eot) {
    io.err(
      `preset ${name} with the tokenizer in ${of.folder}: vocabulary ${shape.vocabSize} → ${tokens}, end-of-text ` +
        `${shape.eot} → ${eot}\n`,
    );
  }
  return withFields({ ...shape, vocabSize, eot }, options, of, "that is asked for");
}

function presetOf(name: string): Gpt2Config {
  if (Object.hasOwn(presets, name)) return presets[name as PresetName];
  const names = Object.keys(presets);
  throw new UsageError(
    `there is no preset "${name}"; the presets are ${names.join(", ")}.${didYouMean(name, names)}`,
  );
}

/** @throws UsageError when the fields make no model, or none that the tokenizer fits */
function withFields(shape: Gpt2Config, fields: ShapeFields, of: TokenizerOf, whose: string): Gpt2Config {
  const { channels = shape.channels, context = shape.blockSize } = fields;
  // As wide as it was, where nobody says how wide.
  const { inner = (shape.inner / shape.channels) * channels } = fields;
  const { layers = shape.layers, heads = shape.heads, vocabSize = shape.vocabSize } = fields;
  const config = { ...shape, layers, heads, channels, inner, blockSize: context, vocabSize };
  checkTokenizer(config, of, whose);
  try {
    return checkConfig(config);
  } catch (cause) {
    throw new UsageError(`the shape ${whose}: ${messageOf(cause)}`, { cause });
  }
}

/** @throws UsageError when the tokenizer has tokens that the model has none for, or ends a text with another */
function checkTokenizer(config: Gpt2Config, { tokenizer, folder }: TokenizerOf, whose: string): void {
  const { vocabSize, eot } = tokenizer;
  if (vocabSize > config.vocabSize) {
    throw new UsageError(
      `the tokenizer in ${folder} has ${vocabSize} tokens, and the vocabulary ${whose} is ${config.vocabSize}; give ` +
        `a vocabulary of ${vocabSize} or more (--vocab-size), or another --tokenizer`,
    );
  }
  const stops = stopTokens(config);
  if (stops.includes(eot)) return;
  throw new UsageError(
    `the tokenizer in ${folder} ends a text with ${eot}, and the end-of-text ${whose} is ` +
      `${stops.join(" or ") || "none"}; write "eos_token_id": ${eot} into it, or give another --tokenizer`,
  );
}
