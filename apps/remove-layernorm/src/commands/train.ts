/** `normless train`: its options, and whether a run begins or goes on. */
import { Option } from "@commander-js/extra-typings";
import { command } from "../options/command.js";
import { addTrainingEngine } from "../options/engine-options.js";
import { dtypeOption, modelOption, outOption } from "../options/options.js";
import { addTrainingFields, recipeOption, recipeSeedOption } from "../options/recipe-options.js";
import { addCorpus, addRun } from "../options/run-options.js";
import { addShape } from "../options/shape-options.js";
import { goOn } from "../run-folder/go-on.js";
import type { Io } from "../terminal/io.js";
import { beginTraining } from "../train/begin.js";
import { TRAINING_CHANGES, type TrainOptions } from "../train/options.js";
import { resumeTraining } from "../train/resume.js";

const MODELS = `
With --model, its shape, its norms and its tokenizer stay.`;

export function trainCommand(io: Io, done: (code: number) => void) {
  const own = command(
    "train",
    "Train a GPT-2 from fresh weights with LayerNorm, or go on from a model, and write it as a Hugging Face folder",
    [
      "--preset base --out runs/sotu",
      "--tokenizer gpt2 --preset small --train books/ --validation held-out.txt --steps 2000",
      "--model gpt2 --train 'books/*.txt' --validation held-out.txt --steps 500 --learning-rate 1e-4",
      "--resume runs/sotu",
    ],
  )
    .addOption(modelOption("none: the weights are fresh"))
    .addOption(
      new Option(
        "--tokenizer <dir|name>",
        "of a new model: folder with vocab.json and merges.txt, or tokenizer.json, or a model's name on the hub " +
          "(default: models/sotu)",
      ),
    )
    .addOption(recipeOption("sotu"))
    .addOption(outOption("runs/train-<time>"))
    .addOption(dtypeOption);
  const run = addTrainingEngine(addRun(addCorpus(own, "the model's or the tokenizer's"), TRAINING_CHANGES));
  return addTrainingFields(addShape(run))
    .addOption(recipeSeedOption)
    .addHelpText("after", MODELS)
    .action(async (options) => done(await train(io, options)));
}

/** The exit code. */
async function train(io: Io, options: TrainOptions): Promise<number> {
  const { resume: folder } = options;
  if (folder === undefined) return beginTraining(io, options);
  const changes = TRAINING_CHANGES;
  return goOn(io, { folder, options, changes }, (wanted) => resumeTraining(io, wanted, folder));
}
