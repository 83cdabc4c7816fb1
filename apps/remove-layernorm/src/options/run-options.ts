/** How a run is begun and gone on with, and what it trains on. */
import { type Command, Option, type OptionValues } from "@commander-js/extra-typings";
import { optionName } from "../errors.js";
import { countArguments, countOrAllArgument } from "./arguments.js";
import { described } from "./command.js";
import { dataText } from "../data/data-files.js";
import { textColumnOption, tokenColumnOption } from "./options.js";

const trainOption = new Option(
  "--train <file...>",
  described(`what to train on: ${dataText}`, "the corpus's"),
);
const validationOption = new Option(
  "--validation <file...>",
  described("the same to validate on", "the corpus's"),
);
const trainTokensOption = new Option(
  "--train-tokens <n|all>",
  described("so many tokens of the training set, from the first", "all"),
).argParser(countOrAllArgument);

/** `standard`: whose corpus is taken where none is named. */
export function addCorpus<A extends unknown[], O extends OptionValues, G extends OptionValues>(
  command: Command<A, O, G>,
  standard: string,
) {
  const corpus = described("folder with the tokens, train.bin.gz and val.bin.gz", standard);
  return command
    .option("--corpus <dir>", corpus)
    .addOption(trainOption)
    .addOption(validationOption)
    .addOption(textColumnOption())
    .addOption(tokenColumnOption())
    .addOption(trainTokensOption);
}

const configOption = new Option(
  "--config <file.json>",
  "these options from a file, by their names; the command line wins",
);
const resumeOption = new Option(
  "--resume <dir>",
  "go on with the run in this folder; it ends with the same bits, unless it is told otherwise from there on (see below)",
);
const checkpointOption = new Option(
  "--checkpoint <n>",
  "with --resume, go on from the checkpoint of so many updates; later ones are cleared (default: the newest)",
).argParser(countArguments.checkpoint);
const dryRunOption = new Option(
  "--dry-run",
  "show the plan and what it will take (an update is timed for that), write nothing and end",
);
const forceOption = new Option("--force", "give up the run that is in the run folder");
export const tensorboardOption = new Option(
  "--tensorboard",
  "the metrics as TensorBoard's event files, too, in the run folder's tensorboard/",
);

/** What these options of a run say. */
export interface RunOptions {
  readonly config?: string | undefined;
  readonly resume?: string | undefined;
  readonly checkpoint?: number | undefined;
  readonly dryRun?: boolean | undefined;
  readonly force?: boolean | undefined;
  readonly tensorboard?: boolean | undefined;
  readonly recompute?: boolean | undefined;
}

/** `changes`: options that may say otherwise from there on where a run goes on. */
export function addRun<A extends unknown[], O extends OptionValues, G extends OptionValues>(
  command: Command<A, O, G>,
  changes: readonly string[],
) {
  return command
    .addOption(configOption)
    .addOption(resumeOption)
    .addOption(checkpointOption)
    .addOption(dryRunOption)
    .addOption(forceOption)
    .addOption(tensorboardOption)
    .addHelpText(
      "after",
      `\nWith --resume, what may be otherwise from there on: ${changes.map(optionName).join(", ")}.`,
    );
}
