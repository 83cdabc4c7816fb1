/** The shape of a model that `train` makes. */
import { type Command, Option, type OptionValues } from "@commander-js/extra-typings";
import { presets } from "@normless/gpt2";
import { countArguments } from "./arguments.js";
import { described } from "./command.js";

const SHAPE = "The shape of a new model:";
const field = <F extends string>(flags: F, of: ShapeField, description: string) =>
  new Option(flags, description).argParser(countArguments[of]).helpGroup(SHAPE);
type ShapeField = "layers" | "heads" | "channels" | "inner" | "context" | "vocabSize";

const presetOption = new Option(
  "--preset <name>",
  "a shape; its vocabulary and end-of-text are the tokenizer's (default: base)",
)
  .choices(Object.keys(presets))
  .helpGroup(SHAPE);
const modelConfigOption = new Option(
  "--model-config <file.json>",
  "the shape as a Hugging Face config.json",
).helpGroup(SHAPE);
const PRESETS = "the preset's or the file's";

const LAYERS = ["--layers <n>", "blocks of the model"] as const;
/** Of a command that makes no model. */
export const layersOption = (standard: string) =>
  new Option(LAYERS[0], described(LAYERS[1], standard)).argParser(countArguments.layers);

export function addShape<A extends unknown[], O extends OptionValues, G extends OptionValues>(
  command: Command<A, O, G>,
) {
  return command
    .addOption(presetOption)
    .addOption(modelConfigOption)
    .addOption(field(LAYERS[0], "layers", described(LAYERS[1], PRESETS)))
    .addOption(field("--heads <n>", "heads", described("heads of attention; divides the channels", PRESETS)))
    .addOption(field("--channels <n>", "channels", described("channels of the residual", PRESETS)))
    .addOption(
      field("--inner <n>", "inner", described("channels inside the MLP", "in proportion to the channels")),
    )
    .addOption(field("--context <n>", "context", described("the longest text in tokens", PRESETS)))
    .addOption(
      field(
        "--vocab-size <n>",
        "vocabSize",
        described("tokens of the vocabulary", "the tokenizer's, or the file's"),
      ),
    );
}
