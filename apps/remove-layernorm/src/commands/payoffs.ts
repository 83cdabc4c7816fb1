/** `normless payoffs`: what was measured on published LN-free models, on a model and its LN-free form. */
import { type ColumnOptions, dataName } from "@normless/data";
import { withFrozenNames } from "@normless/gpt2";
import { needCorpusFile, readCorpus } from "../data/corpus.js";
import { rowOptions, withDataFiles } from "../data/data-files.js";
import type { ModelOnDevice } from "../engine/device.js";
import type { EngineOptions } from "../engine/engine.js";
import { UsageError, within } from "../errors.js";
import { asking, needTokenizer } from "../look-inside/asked.js";
import { measurePayoffs, type PayoffsData } from "../look-inside/payoffs.js";
import { pairIds, promptsOf } from "../look-inside/prompt-file.js";
import { withTwoModels } from "../models/two-models.js";
import { command } from "../options/command.js";
import { addEngine } from "../options/engine-options.js";
import * as looking from "../options/look-inside-options.js";
import * as shared from "../options/options.js";
import { inputsOf } from "../options/outputs.js";
import { blockSizeOption } from "../options/recipe-options.js";
import { besideJson, checkResults, writeJsonResult } from "../run-folder/result-file.js";
import type { Io } from "../terminal/io.js";
import { payoffsText } from "../terminal/payoffs-text.js";

export interface PayoffsOptions extends EngineOptions, ColumnOptions {
  readonly model: readonly string[];
  readonly prompts?: string | undefined;
  readonly data?: readonly string[] | undefined;
  readonly tokens?: number | undefined;
  readonly blockSize?: number | undefined;
  readonly json?: string | undefined;
}

/** Measured on where nobody says: tokens, and prompts of a task that small models can do. */
const TOKENS = 8192;
const TASK = "agreement";
/** As long as the published sequences, where the context allows. */
const BLOCK = 512;

const WHAT = `
The first model has LayerNorms, the second has lost them. Of each: how far direct logit attribution of the heads is from what leaving
each out changes (NMAE; 5.1); how far attribution patching of the residual is from patching (5.2); how long the residual of the first
position is, and how much attention goes there (5.3); what the confidence neurons of the last MLP do, held at their means (5.4). The numbers
are sections of Baroni et al. 2025 (arXiv 2507.02559), whose figures for GPT-2 stand beside.`;

export function payoffsCommand(io: Io) {
  const own = command(
    "payoffs",
    "What LN-free gives: the published measures, on a model and its LN-free form",
    [
      "--model models/sotu runs/sotu/ln-free",
      "--model gpt2 runs/gpt2/ln-free --data val.bin --prompts ioi --json payoffs.json",
    ],
  )
    .addOption(shared.modelsOption().makeOptionMandatory())
    .addOption(looking.promptsOption())
    .addOption(shared.dataOption("the val tokens in the first model's folder"))
    .addOption(shared.tokensOption(TOKENS))
    .addOption(shared.textColumnOption())
    .addOption(shared.tokenColumnOption())
    .addOption(blockSizeOption(`the shortest context, at most ${BLOCK}`))
    .addOption(shared.jsonOption);
  return addEngine(own)
    .addHelpText("after", WHAT)
    .action(async (options) => payoffs(besideJson(io, options.json), await withDataFiles(io, options)));
}

export async function payoffs(io: Io, options: PayoffsOptions): Promise<void> {
  const [first, second, ...more] = options.model;
  if (second === undefined || more.length > 0) {
    throw new UsageError(
      `a model and its LN-free form are measured, and there are ${options.model.length}; give --model A B`,
    );
  }
  const { "--json": json } = await checkResults({ "--json": options.json }, inputsOf({ ...options }));
  await withTwoModels(io, { a: first, b: second }, options, async ({ a, b }) => {
    const contexts = [a, b].map(({ loaded }) => loaded.config.blockSize);
    const { blockSize = Math.min(BLOCK, ...contexts), tokens: count = TOKENS } = options;
    if (blockSize > Math.min(...contexts)) {
      throw new UsageError(
        `--block-size ${blockSize} is more than the contexts of the models, ${contexts.join(" and ")}`,
      );
    }
    const { pairs, prompts } = await pairsOf(a, options);
    const data = options.data ?? [needCorpusFile(a.path, "val", "--data")];
    const { vocabSize } = a.loaded.config;
    const limits = { ...rowOptions(data, options), tokens: count + 1 };
    const tokens = await readCorpus(data, { vocabSize, tokenizer: a.loaded.tokenizer, io }, limits);
    const models = { a: namedModel(a), b: namedModel(b) };
    const found = await within(data.map(dataName).join(", "), () =>
      asking(() => measurePayoffs(io, models, { tokens, blockSize, pairs })),
    );
    const all: PayoffsData = {
      ...{ models: { a: a.name, b: b.name }, data, tokens: tokens.length - 1, blockSize, prompts, ...found },
    };
    io.out(payoffsText(io, all));
    if (json !== undefined) await writeJsonResult(io, json, all);
  });
}

/** With the norms that an epsilon of 1e12 has frozen called so. */
function namedModel({ loaded, device: { params } }: ModelOnDevice) {
  const { config, norms } = withFrozenNames(loaded);
  return { config, norms, params };
}

async function pairsOf({ name, loaded }: ModelOnDevice, { prompts = TASK }: PayoffsOptions) {
  const tokenizer = needTokenizer(name, loaded);
  return { pairs: pairIds(tokenizer, loaded.config, await promptsOf(tokenizer, prompts)), prompts };
}
