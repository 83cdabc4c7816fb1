/** `normless eval`: the mean loss of a model on token files. */
import { Option } from "@commander-js/extra-typings";
import { validationLoss } from "../../core/index.js";
import { countArgument } from "../arguments.js";
import { needCorpusFile, readCorpus } from "../corpus.js";
import { type ModelOptions, withModel } from "../device.js";
import { UsageError, within } from "../errors.js";
import { thousands } from "../format.js";
import { breathe, type Io } from "../io.js";
import * as shared from "../options.js";
import { table } from "../tables.js";

export interface EvalOptions extends ModelOptions {
  readonly data?: readonly string[] | undefined;
  readonly blockSize?: number | undefined;
  readonly batchSize?: number | undefined;
}

export function evalCommand(io: Io) {
  return shared
    .command("eval", "Mean loss of a model on token files, in nats a token; every target counts once", [
      "",
      "--model runs/gpt2/ln-free --data val.bin",
      "--model gpt2 --data first.bin second.txt",
    ])
    .addOption(shared.modelOption)
    .option(
      "--data <file...>",
      "tokens: .bin or .txt, also in gzip (default: the val tokens in the model's folder)",
    )
    .option("--block-size <n>", "tokens a sequence (default: the model's context)", countArgument)
    .addOption(new Option("--batch-size <n>", "sequences at once").argParser(countArgument).default(16))
    .addOption(shared.backendOption)
    .addOption(shared.blasLibraryOption)
    .addOption(shared.threadsOption)
    .addOption(shared.simdOption)
    .action((options) => evaluateModel(io, options));
}

export async function evaluateModel(io: Io, options: EvalOptions): Promise<void> {
  await withModel(io, options, async ({ path, loaded, device }) => {
    const { config, tokenizer } = loaded;
    const { batchSize = 16, blockSize = config.blockSize } = options;
    if (blockSize > config.blockSize) {
      throw new UsageError(
        `--block-size ${blockSize} is more than the model's context of ${config.blockSize}`,
      );
    }
    const files = options.data ?? [needCorpusFile(path, "val", "--data")];
    const rows: string[][] = [];
    for (const file of files) {
      const tokens = await readCorpus([file], { vocabSize: config.vocabSize, tokenizer });
      const loss = await within(file, async () => {
        const losses = validationLoss(device, tokens, { batchSize, blockSize });
        for (;;) {
          const { done, value } = await losses.next();
          if (done) return value;
          await breathe();
        }
      });
      rows.push([file, loss.toFixed(6), Math.exp(loss).toFixed(3), thousands(tokens.length - 1)]);
    }
    io.out(table(io, ["data", "loss (nats/token)", "perplexity", "tokens"], rows));
  });
}
