/** `normless generate`: text from a model, written as it comes. */
import { Option } from "@commander-js/extra-typings";
import { generate, stopTokens, promptIds } from "@normless/gpt2";
import {
  countArguments,
  countOrAllArgument,
  notNegativeArgument,
  probabilityArgument,
} from "../options/arguments.js";
import { type ModelOptions, withModel } from "../engine/device.js";
import { UsageError } from "../errors.js";
import { breathe, type Io } from "../terminal/io.js";
import { command } from "../options/command.js";
import { addEngine } from "../options/engine-options.js";
import * as shared from "../options/options.js";
import { seedOption } from "../options/recipe-options.js";

export interface GenerateOptions extends ModelOptions {
  readonly prompt: string;
  readonly maxTokens?: number | undefined;
  readonly temperature?: number | undefined;
  readonly topK?: number | undefined;
  readonly topP?: number | undefined;
  readonly seed?: number | undefined;
}

const KEPT = `
Each token takes a look at every weight, so that half of the bytes is nearly half of the time: --weights bfloat16, on the
native engine. What the rounding costs in loss: normless eval --weights bfloat16, which any engine can.`;

export function generateCommand(io: Io) {
  const own = command("generate", "Continue a prompt; the same seed gives the same text", [
    '--prompt "Fellow citizens"',
    '--model runs/gpt2/ln-free --prompt "Once" --temperature 0',
    '--prompt "The Congress" --max-tokens 200 --top-p 0.9 --seed 7',
  ])
    .addOption(shared.modelOption())
    .addOption(shared.promptOption().makeOptionMandatory())
    .addOption(
      new Option("--max-tokens <n>", "tokens at most").argParser(countArguments.maxTokens).default(100),
    )
    .addOption(
      new Option("--temperature <t>", "0 always takes the likeliest token")
        .argParser(notNegativeArgument)
        .default(0.8),
    )
    .option("--top-k <n|all>", "only the n likeliest tokens (default: all)", countOrAllArgument)
    .option(
      "--top-p <p>",
      "only the fewest tokens that have this probability together (default: 1)",
      probabilityArgument,
    )
    .addOption(seedOption(0))
    .addOption(shared.weightsOption);
  return addEngine(own)
    .addHelpText("after", KEPT)
    .action((options) => generateText(io, options));
}

export async function generateText(io: Io, options: GenerateOptions): Promise<void> {
  await withModel(io, options, async ({ name, loaded: { tokenizer }, device }) => {
    if (!tokenizer) {
      throw new UsageError(
        `${name} has no tokenizer; put vocab.json and merges.txt, or tokenizer.json, into the folder`,
      );
    }
    const prompt = promptIds(tokenizer, options.prompt);
    // A character may take several tokens; the decoder holds its bytes back until it is whole.
    const utf8 = new TextDecoder();
    io.out(options.prompt);
    const { maxTokens = 100, temperature = 0.8, topK, topP, seed = 0 } = options;
    const sampling = {
      temperature,
      ...(topK !== undefined && topK < Infinity && { topK }),
      ...(topP !== undefined && { topP }),
    };
    for await (const id of generate(device, prompt, {
      ...sampling,
      maxTokens,
      seed,
      drawable: tokenizer.has,
      stopAt: [tokenizer.eot, ...stopTokens(device.config)],
    })) {
      io.out(utf8.decode(tokenizer.decodeBytes([id]), { stream: true }));
      await breathe();
    }
    io.out(`${utf8.decode()}\n`);
  });
}
