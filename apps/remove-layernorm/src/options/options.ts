/** Options that several commands share, and their help. */
import { Command, Option } from "@commander-js/extra-typings";
import { presets } from "@normless/gpt2";
import {
  countArgument,
  integerArgument,
  namesArgument,
  notNegativeArgument,
  positiveArgument,
  shareArgument,
  threadsArgument,
  wholeArgument,
} from "./arguments.js";
import { dataText } from "../data/data-files.js";
import { rateScalings } from "@normless/train";
import { engineChoices } from "../engine/engine.js";

/** A command under its name, with examples at the end of its help. */
export function command(name: string, description: string, examples: readonly string[]): Command {
  const lines = examples.map((example) => `  $ normless ${name} ${example}\n`.replace(/ \n/, "\n"));
  return new Command(name)
    .description(description)
    .allowExcessArguments(false)
    .showHelpAfterError(`(normless ${name} --help shows every option)`)
    .addHelpText("after", `\nExamples:\n${lines.join("")}`);
}

const ENGINE = "The engine:";
const RECIPE = "Fields of the recipe:";
const SHAPE = "The shape of a new model:";
const builds = ["auto", "relaxed", "plain"] as const;

export const backendOption = new Option(
  "--backend <name>",
  "wasm, the CPU engine; blas, the same with the system's BLAS for its products; webgpu; auto, webgpu where there is a " +
    "real GPU and wasm elsewhere; for comparison webgl2, headlessgl, webasm and cpu (gpu.js) and reference (slow float64 " +
    "loops) (default: wasm)",
)
  .choices(engineChoices)
  .helpGroup(ENGINE);
export const blasLibraryOption = new Option(
  "--blas-library <file>",
  "the library of --backend blas, by name or path (default: the first usual one that is there)",
).helpGroup(ENGINE);
export const threadsOption = new Option(
  "--threads <n>",
  "threads that compute; any number gives the same bits (default: the cores, at most 8)",
)
  .argParser(threadsArgument)
  .helpGroup(ENGINE);
export const simdOption = new Option(
  "--simd <build>",
  "auto takes relaxed SIMD where there is any; the builds differ in their last bits (default: auto)",
)
  .choices(builds)
  .helpGroup(ENGINE);

export const recomputeOption = new Option(
  "--recompute",
  "keep only what goes into each block and compute the block again in the backward pass: less memory, the same bits",
).helpGroup(ENGINE);

export const tensorboardOption = new Option(
  "--tensorboard",
  "the metrics as TensorBoard's event files, too, in the run folder's tensorboard/",
);

export const modelOption = new Option(
  "--model <dir|name>",
  "a Hugging Face folder of a GPT-2, or its name on the hub, such as gpt2-medium (default: the model that ships, " +
    "models/sotu)",
);

const shapeOption = (flags: string, description: string) =>
  new Option(flags, description).argParser(countArgument).helpGroup(SHAPE);
/** The shape of a model that `train` makes. */
export const presetOption = new Option(
  "--preset <name>",
  "a shape; its vocabulary and end-of-text are the tokenizer's (default: base)",
)
  .choices(Object.keys(presets))
  .helpGroup(SHAPE);
export const modelConfigOption = new Option(
  "--model-config <file.json>",
  "the shape as a Hugging Face config.json",
).helpGroup(SHAPE);
export const layersOption = shapeOption("--layers <n>", "blocks, in place of the preset's or the file's");
export const headsOption = shapeOption("--heads <n>", "heads of attention; divides the channels");
export const channelsOption = shapeOption("--channels <n>", "channels of the residual");
export const innerOption = shapeOption("--inner <n>", "channels inside the MLP (default: in proportion)");
export const contextOption = shapeOption("--context <n>", "the longest text in tokens");
export const vocabSizeOption = shapeOption(
  "--vocab-size <n>",
  "tokens of the vocabulary, no fewer than the tokenizer's",
);

export const trainOption = new Option(
  "--train <file...>",
  `what to train on: ${dataText} (default: the corpus's)`,
);
export const validationOption = new Option(
  "--validation <file...>",
  "the same to validate on (default: the corpus's)",
);

/** A column of a data file; functions, since a command may put them into a group of its own. */
export const textColumnOption = () =>
  new Option("--text-column <name>", "the texts of a .jsonl or .parquet (default: text)").conflicts(
    "tokenColumn",
  );
export const tokenColumnOption = () =>
  new Option(
    "--token-column <name>",
    "or its lists of token ids (default: input_ids or tokens, where there is no text)",
  );

/** Rows of each kind, where none are asked for. */
export const POSITION_ROWS = 256;
export const positionRowsOption = () =>
  new Option(
    "--position-rows <n>",
    "rows of each kind (windows of the text as they are, the same after end-of-text, documents after end-of-text) " +
      `that loss and KL are measured on position by position, spread evenly; 0 for none (default: ${POSITION_ROWS})`,
  ).argParser(wholeArgument);

export const checkpointOption = new Option(
  "--checkpoint <n>",
  "with --resume, go on from the checkpoint of so many updates; later ones are cleared (default: the newest)",
).argParser(countArgument);

export const trainTokensOption = new Option(
  "--train-tokens <n>",
  "so many of the tokens to train on, from the first (default: all)",
).argParser(countArgument);

/** Fields of a recipe. */
export const stepsOption = new Option("--steps <n>", "updates").argParser(countArgument).helpGroup(RECIPE);
export const batchSizeOption = new Option("--batch-size <n>", "sequences an update")
  .argParser(countArgument)
  .helpGroup(RECIPE);
export const microBatchSizeOption = new Option(
  "--micro-batch-size <n>",
  "sequences in memory at once; divides the batch size",
)
  .argParser(countArgument)
  .helpGroup(RECIPE);
export const blockSizeOption = new Option("--block-size <n>", "tokens a sequence")
  .argParser(countArgument)
  .helpGroup(RECIPE);
export const eotShareOption = new Option(
  "--eot-share <share>",
  "share of the rows that begin with end-of-text, 0 to 1",
)
  .argParser(shareArgument)
  .helpGroup(RECIPE);
export const shortShareOption = new Option(
  "--short-share <share>",
  "share of the tokens that come in short rows, 0 to 1",
)
  .argParser(shareArgument)
  .helpGroup(RECIPE);
export const learningRateOption = new Option(
  "--learning-rate <rate>",
  "the highest learning rate; the lowest keeps its proportion",
)
  .argParser(positiveArgument)
  .helpGroup(RECIPE);
export const scaleLearningRateOption = new Option(
  "--scale-learning-rate <rule>",
  "where an update has other tokens than the recipe's: none keeps its learning rate, sqrt scales it by the root of " +
    "their ratio, as fits Adam (default: none)",
)
  .choices(rateScalings)
  .helpGroup(RECIPE);
export const seedOption = new Option("--seed <n>", "decides the batches")
  .argParser(integerArgument)
  .helpGroup(RECIPE);
export const validationTokensOption = new Option(
  "--validation-tokens <n>",
  "tokens of the validation set to look at; 0 is all",
)
  .argParser(wholeArgument)
  .helpGroup(RECIPE);
export const checkpointEveryOption = new Option("--checkpoint-every <n>", "updates between two checkpoints")
  .argParser(countArgument)
  .helpGroup(RECIPE);
export const auxiliaryWeightOption = new Option(
  "--auxiliary-weight <n>",
  "weight of the loss that keeps the final stds together",
)
  .argParser(notNegativeArgument)
  .helpGroup(RECIPE);
export const evaluateEveryOption = new Option(
  "--evaluate-every <n>",
  "updates between two looks at the validation set",
)
  .argParser(countArgument)
  .helpGroup(RECIPE);
export const sitesOption = new Option(
  "--sites <names>",
  "the norms that go, and no others: h.3.ln_1:qk,h.3.ln_2,ln_f, or by patterns: h.3, ln_2, h.*.ln_1, h.0-3.ln_1:v " +
    "(default: all that are there)",
)
  .argParser(namesArgument)
  .helpGroup(RECIPE);
export const looksOption = new Option(
  "--evaluate-every <n>",
  "updates between two looks at a few rows of the validation set: loss, KL and stds by position; 0 for none",
)
  .argParser(wholeArgument)
  .helpGroup(RECIPE);
export const gapFactorOption = new Option(
  "--gap-factor <n>",
  "so many times as long between the removals of a pace at fixed steps; with --resume, between those still to come",
)
  .argParser(positiveArgument)
  .helpGroup(RECIPE);
export const sharedQkvStdOption = new Option(
  "--shared-qkv-std",
  "one constant for query/key and value of a block, which moves until value is frozen, as the code of 2025 did",
).helpGroup(RECIPE);
export const bugCompatibleOption = new Option(
  "--bug-compatible",
  "of heimersheim-2024: channel 0 in the place of position 0, as the released code did",
).helpGroup(RECIPE);
