/** Fields of a recipe that are options, in the commands that train or tell of a recipe. */
import { type Command, Option, type OptionValues } from "@commander-js/extra-typings";
import { rateScalings } from "@normless/train";
import {
  countArguments,
  countOrAllArgument,
  integerArgument,
  listArgument,
  namesArgument,
  notNegativeArgument,
  positiveArgument,
  shareArgument,
  wholeArguments,
} from "./arguments.js";
import { described } from "./command.js";

const RECIPE = "Fields of the recipe:";
const field = <F extends string>(flags: F, description: string) =>
  new Option(flags, description).helpGroup(RECIPE);

export const recipeOption = (standard: string) =>
  new Option(
    "--recipe <name|file.json>",
    described("a recipe's name, or a file of fields over one", standard),
  );

/** The same of several, as `sweep` takes them. */
export const recipesOption = (standard: string) =>
  new Option(
    "--recipe <name|file.json...>",
    described(
      "a recipe's name, or a file of fields over one; several one after the other, or with commas",
      standard,
    ),
  ).argParser(listArgument);

export const stepsOption = field("--steps <n>", "updates").argParser(countArguments.steps);
const batchSizeOption = field("--batch-size <n>", "sequences an update").argParser(countArguments.batchSize);

const MICRO_BATCH = ["--micro-batch-size <n>", "sequences in memory at once"] as const;
/** Of a command that has no recipe. */
export const microBatchSizeOption = (standard: number) =>
  new Option(MICRO_BATCH[0], described(MICRO_BATCH[1], String(standard))).argParser(
    countArguments.microBatchSize,
  );

const BLOCK = ["--block-size <n>", "tokens a sequence"] as const;
/** Of a command that has no recipe. */
export const blockSizeOption = (standard: string) =>
  new Option(BLOCK[0], described(BLOCK[1], standard)).argParser(countArguments.blockSize);

const eotShareOption = field(
  "--eot-share <share>",
  "share of the rows that begin with end-of-text, 0 to 1",
).argParser(shareArgument);
const shortShareOption = field(
  "--short-share <share>",
  "share of the tokens that come in short rows, 0 to 1",
).argParser(shareArgument);
const learningRateOption = field(
  "--learning-rate <rate>",
  "the highest learning rate; the lowest keeps its proportion",
).argParser(positiveArgument);
const scaleLearningRateOption = field(
  "--scale-learning-rate <rule>",
  "where an update has other tokens than the recipe's: none keeps its learning rate, sqrt scales it by the root of " +
    "their ratio, as fits Adam (default: none)",
).choices(rateScalings);
const momentsOption = field(
  "--moments <dtype>",
  "how AdamW's moments are kept: float32 or, in half of the memory, bfloat16 (engine native)",
).choices(["float32", "bfloat16"] as const);
const validationTokensOption = field(
  "--validation-tokens <n|all>",
  "so many tokens of the validation set, from the first",
).argParser(countOrAllArgument);
const evaluateEveryOption = field(
  "--evaluate-every <n>",
  "updates between two looks at the validation set; 0 for none",
).argParser(wholeArguments.evaluateEvery);
const checkpointEveryOption = field("--checkpoint-every <n>", "updates between two checkpoints").argParser(
  countArguments.checkpointEvery,
);

const SEED = ["--seed <n>", "decides what is drawn at random"] as const;
/** Of a command that has no recipe. */
export const seedOption = (standard: number) =>
  new Option(SEED[0], described(SEED[1], String(standard))).argParser(integerArgument);
export const recipeSeedOption = field(...SEED).argParser(integerArgument);

export const sitesOption = field(
  "--sites <names>",
  "the norms that go, and no others: h.3.ln_1:qk,h.3.ln_2,ln_f, or by patterns: h.3, ln_2, h.*.ln_1, h.0-3.ln_1:v " +
    "(default: all that are there)",
).argParser(namesArgument);
const auxiliaryWeightOption = field(
  "--auxiliary-weight <weight>",
  "weight of the loss that keeps the final stds together",
).argParser(notNegativeArgument);
const gapFactorOption = field(
  "--gap-factor <factor>",
  "so many times as long between the removals of a pace at fixed steps; with --resume, between those still to come",
).argParser(positiveArgument);
const sharedQkvStdOption = field(
  "--shared-qkv-std",
  "one constant for query/key and value of a block, which moves until value is frozen, as the code of 2025 did",
);
const bugCompatibleOption = field(
  "--bug-compatible",
  "of heimersheim-2024: channel 0 in the place of position 0, as the released code did",
);

/** What every training may be told of its recipe, but for the seed, of which a sweep has several. */
export function addTrainingFields<A extends unknown[], O extends OptionValues, G extends OptionValues>(
  command: Command<A, O, G>,
) {
  return command
    .addOption(stepsOption)
    .addOption(batchSizeOption)
    .addOption(field(...MICRO_BATCH).argParser(countArguments.microBatchSize))
    .addOption(
      field(BLOCK[0], described(BLOCK[1], "the recipe's, at most the model's context")).argParser(
        countArguments.blockSize,
      ),
    )
    .addOption(eotShareOption)
    .addOption(shortShareOption)
    .addOption(learningRateOption)
    .addOption(scaleLearningRateOption)
    .addOption(momentsOption)
    .addOption(validationTokensOption)
    .addOption(evaluateEveryOption)
    .addOption(checkpointEveryOption);
}

/** What a removal may be told of its recipe besides. */
export function addRemovalFields<A extends unknown[], O extends OptionValues, G extends OptionValues>(
  command: Command<A, O, G>,
) {
  return command
    .addOption(auxiliaryWeightOption)
    .addOption(gapFactorOption)
    .addOption(sitesOption)
    .addOption(sharedQkvStdOption)
    .addOption(bugCompatibleOption);
}
