/** `normless attribute`: what each part of a model writes for a token's logit. */
import { Option } from "@commander-js/extra-typings";
import type { ColumnOptions } from "@normless/data";
import { withFrozenNames, promptIds } from "@normless/gpt2";
import { type AttributionError, attribute, attributionError } from "@normless/interpret";
import { countOrAllArgument } from "../options/arguments.js";
import { type AttributionData, attributionText } from "../terminal/attribution-text.js";
import { corpusFile, readCorpus } from "../data/corpus.js";
import { rowOptions, withDataFiles } from "../data/data-files.js";
import { counted } from "../terminal/counter.js";
import { type ModelOnDevice, type ModelOptions, withModel } from "../engine/device.js";
import { UsageError, within } from "../errors.js";
import type { Io } from "../terminal/io.js";
import { command } from "../options/command.js";
import { addEngine } from "../options/engine-options.js";
import * as shared from "../options/options.js";
import { inputsOf } from "../options/outputs.js";
import { checkResults, writeJsonResult } from "../run-folder/result-file.js";
import { shippedModel } from "../models/shipped.js";
import { quotedToken } from "../terminal/token-text.js";

export interface AttributeOptions extends ModelOptions, ColumnOptions {
  readonly prompt: string;
  readonly token?: string | undefined;
  readonly top?: number | undefined;
  readonly data?: readonly string[] | undefined;
  readonly tokens?: number | undefined;
  readonly json?: string | undefined;
}

/** As Baroni et al. measured it, on so many sequences where nobody says. */
const ERROR_BLOCK = 512;
const SEQUENCES = 64;
/** Parts that are shown where nobody says. */
const TOP = 20;

const WHAT = `
A part's logit is what its output adds to the token's logit; over the mean, what it adds more than to the mean of all
logits, which is what a softmax sees. Biases are what does not depend on the text, a head's value bias too. The parts
add up to the logit, which is checked to 1e-5.

Where no LayerNorm stands before the head, a part's logit is also what leaving it out would take away. Where one does,
each part is divided by the std of the whole, and leaving it out would change that. How far the two are apart is
measured over the heads, at the last position of sequences of at most ${ERROR_BLOCK} tokens, for the token that comes next:
NMAE, the mean absolute difference over the mean absolute direct effect, the mean of all heads.`;

export function attributeCommand(io: Io) {
  const own = command("attribute", "What each part of a model writes for the logit of the next token", [
    '--prompt "My fellow"',
    '--model runs/gpt2/ln-free --prompt "The capital of France is" --token " Paris" --top 10',
  ])
    .addOption(shared.modelOption())
    .addOption(shared.promptOption().makeOptionMandatory())
    .option("--token <text>", "the token, with its space (default: the likeliest)")
    .addOption(
      new Option("--top <n|all>", `parts to show, the largest first (default: ${TOP})`).argParser(
        countOrAllArgument,
      ),
    )
    .addOption(shared.dataOption("the val tokens in the model's folder, if any"))
    .addOption(shared.tokensOption(`those of ${SEQUENCES} sequences`))
    .addOption(shared.textColumnOption())
    .addOption(shared.tokenColumnOption())
    .addOption(shared.jsonOption);
  return addEngine(own)
    .addHelpText("after", WHAT)
    .action(async (options) => attributeLogit(io, await withDataFiles(io, options)));
}

export async function attributeLogit(io: Io, options: AttributeOptions): Promise<void> {
  const { model = shippedModel() } = options;
  const inputs = inputsOf({ ...options, model });
  const { "--json": json } = await checkResults({ "--json": options.json }, inputs);
  await withModel(io, options, async ({ name, path, loaded, device: { params } }) => {
    const { tokenizer } = loaded;
    if (!tokenizer) {
      throw new UsageError(
        `${name} has no tokenizer; put vocab.json and merges.txt, or tokenizer.json, into the folder`,
      );
    }
    const { config, norms } = withFrozenNames(loaded);
    const device = { config, norms, params };
    const ids = promptIds(tokenizer, options.prompt);
    if (ids.length > config.blockSize) {
      throw new UsageError(
        `the prompt has ${ids.length} tokens, more than the model's context of ${config.blockSize}`,
      );
    }
    const wanted = options.token === undefined ? undefined : oneToken(tokenizer, options.token);
    const found = await attribute(device, ids, { token: wanted });
    const error = found.exact ? undefined : await measureError(io, { name, path, loaded, device }, options);
    const data: AttributionData = {
      model: name,
      prompt: options.prompt,
      ...found,
      tokenText: quotedToken(tokenizer, found.token),
      lastText: quotedToken(tokenizer, ids[ids.length - 1]),
      position: ids.length - 1,
      ...(error && { error }),
    };
    io.out(attributionText(io, data, options.top ?? TOP));
    if (json !== undefined) await writeJsonResult(io, json, data);
  });
}

interface Encoder {
  encode(text: string, options: { specialTokens: boolean }): number[];
}

function oneToken(tokenizer: Encoder, text: string): number {
  const ids = tokenizer.encode(text, { specialTokens: true });
  if (ids.length === 1) return ids[0];
  throw new UsageError(
    `--token ${JSON.stringify(text)} is ${ids.length} tokens; a logit belongs to one. Most words are one with the ` +
      `space before them: ${JSON.stringify(` ${text.trim()}`)}`,
  );
}

/** Undefined where there is no text to measure on. */
async function measureError(
  io: Io,
  { path, loaded: { config, tokenizer }, device }: ModelOnDevice,
  options: AttributeOptions,
): Promise<AttributionError | undefined> {
  const { data } = options;
  const file = corpusFile(path, "val");
  const files = data ?? (file === undefined ? [] : [file]);
  if (files.length === 0) return undefined;
  const blockSize = Math.min(ERROR_BLOCK, config.blockSize);
  const { tokens: count = SEQUENCES * blockSize } = options;
  const limits = { ...rowOptions(files, options), tokens: count + 1 };
  const tokens = await readCorpus(files, { vocabSize: config.vocabSize, tokenizer, io }, limits);
  const sequences = Math.floor((tokens.length - 1) / blockSize);
  const steps = attributionError(device, tokens, { sequences, blockSize });
  return within(files.join(", "), () => counted(io, steps, sequences, "sequences"));
}
