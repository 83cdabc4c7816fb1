/** `normless attribute`: what each part of a model writes for a logit, or the difference of two. */
import type { ColumnOptions } from "@normless/data";
import { type Model, withFrozenNames } from "@normless/gpt2";
import {
  type Attribution,
  type AttributionError,
  attribute,
  attributeAll,
  attributionError,
  meanAttribution,
} from "@normless/interpret";
import { attributionText, promptsAttributionText } from "../terminal/attribution-text.js";
import { corpusFile, readCorpus } from "../data/corpus.js";
import { rowOptions, withDataFiles } from "../data/data-files.js";
import { counted } from "../terminal/counter.js";
import { type ModelOnDevice, type ModelOptions, withModel } from "../engine/device.js";
import { optionName, UsageError, within } from "../errors.js";
import { asking, fittingIds, needTokenizer, positionIn, twoOf } from "../look-inside/asked.js";
import type { AttributionData, PromptsAttributionData } from "../look-inside/attribution.js";
import { pairIds, type PromptPairIds, promptsOf } from "../look-inside/prompt-file.js";
import { oneToken } from "../look-inside/words.js";
import { breathe, type Io } from "../terminal/io.js";
import { command } from "../options/command.js";
import { addEngine } from "../options/engine-options.js";
import * as looking from "../options/look-inside-options.js";
import * as shared from "../options/options.js";
import { inputsOf } from "../options/outputs.js";
import { renderAttribution, renderPromptsAttribution } from "../report/look-inside/attribution-page.js";
import { besideJson, checkResults, writeJsonResult, writeResult } from "../run-folder/result-file.js";
import { shippedModel } from "../models/shipped.js";
import { quotedToken } from "../terminal/token-text.js";

export interface AttributeOptions extends ModelOptions, ColumnOptions {
  readonly prompt?: string | undefined;
  readonly token?: string | undefined;
  readonly difference?: readonly string[] | undefined;
  readonly position?: number | undefined;
  readonly overPositions?: boolean | undefined;
  readonly prompts?: string | undefined;
  readonly exact?: boolean | undefined;
  readonly top?: number | undefined;
  readonly data?: readonly string[] | undefined;
  readonly tokens?: number | undefined;
  readonly json?: string | undefined;
  readonly html?: string | undefined;
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
NMAE, the mean absolute difference over the mean absolute direct effect, the mean of all heads.

With --prompts it is the difference of the right answer's logit and the wrong one's after each clean prompt, and the mean of all.`;

export function attributeCommand(io: Io) {
  const own = command(
    "attribute",
    "What each part of a model writes for a logit, or for the difference of two",
    [
      '--prompt "My fellow"',
      '--model runs/gpt2/ln-free --prompt "The capital of France is" --token " Paris" --top 10',
      '--prompt "The reports of the friend" --difference " are" " is" --html attribution.html',
      "--model gpt2 --prompts ioi --html ioi.html",
    ],
  )
    .addOption(shared.modelOption())
    .addOption(shared.promptOption())
    .addOption(looking.tokenOption())
    .addOption(looking.differenceOption().conflicts("token"))
    .addOption(looking.positionOption())
    .option("--over-positions", "the same after every token of the prompt, too; the page has it in any case")
    .addOption(looking.promptsOption())
    .addOption(looking.exactOption())
    .addOption(looking.topOption("parts", TOP))
    .addOption(shared.dataOption("the val tokens in the model's folder, if any"))
    .addOption(shared.tokensOption(`those of ${SEQUENCES} sequences`))
    .addOption(shared.textColumnOption())
    .addOption(shared.tokenColumnOption())
    .addOption(shared.jsonOption)
    .addOption(shared.htmlOption());
  return addEngine(own)
    .addHelpText("after", WHAT)
    .action(async (options) =>
      attributeLogit(besideJson(io, options.json), await withDataFiles(io, options)),
    );
}

export async function attributeLogit(io: Io, options: AttributeOptions): Promise<void> {
  const { model = shippedModel(), prompt } = options;
  const inputs = inputsOf({ ...options, model });
  const { json, html } = options;
  const results = await checkResults({ "--json": json, "--html": html }, inputs);
  checkAsked(options);
  await withModel(io, options, async (on) => {
    const { config, norms } = withFrozenNames(on.loaded);
    const device = { config, norms, params: on.device.params };
    const [data, text, page] =
      prompt === undefined
        ? await onPrompts(io, { ...on, device }, options)
        : await onPrompt(io, { ...on, device }, prompt, options);
    io.out(text);
    if (results["--json"] !== undefined) await writeJsonResult(io, results["--json"], data);
    if (results["--html"] !== undefined) await writeResult(io, results["--html"], page());
  });
}

/** @throws UsageError for no prompt, and for options of one prompt beside a file of them */
function checkAsked(options: AttributeOptions): void {
  const { prompt, prompts } = options;
  if (prompt === undefined && prompts === undefined) {
    throw new UsageError("give a text to attribute after, --prompt TEXT, or a file of them, --prompts FILE");
  }
  const alone = (["prompt", "token", "difference", "position", "overPositions"] as const).find(
    (name) => options[name] !== undefined,
  );
  if (prompts === undefined || alone === undefined) return;
  throw new UsageError(
    `${optionName(alone)} is of one prompt, and --prompts has many with answers of their own; give one of the two`,
  );
}

/** What is written as JSON, what is printed, and the page. */
type Told = readonly [data: object, text: string, page: () => string];

async function onPrompt(io: Io, on: ModelOnDevice, prompt: string, options: AttributeOptions): Promise<Told> {
  const { name, loaded, device } = on;
  const tokenizer = needTokenizer(name, loaded);
  const ids = fittingIds(tokenizer, prompt, device.config);
  const last = ids.length - 1;
  const position = positionIn(ids.length, options.position ?? last, "--position");
  const { exact = false } = options;
  const target = targetOf(options, (text, option) => oneToken(tokenizer, option, text));
  const found = await asking(() => attribute(device, ids, { ...target, position, exact }));
  const everywhere = options.overPositions === true || options.html !== undefined;
  const { token, versus } = found;
  const all = everywhere ? await attributeAll(device, ids, { token, versus }) : undefined;
  const error = found.exact ? undefined : await measureError(io, on, options);
  const quoted = (id: number) => quotedToken(tokenizer, id);
  const data: AttributionData = {
    ...{ model: name, prompt, ...found, last },
    tokenText: quoted(token),
    ...(versus !== undefined && { versusText: quoted(versus) }),
    lastText: quoted(ids[position]),
    ...(all && {
      overPositions: all.map(({ position: t, logit, parts }) => ({
        ...{ position: t, text: quoted(ids[t]), logit, parts },
      })),
    }),
    ...(error && { error }),
  };
  return [data, attributionText(io, data, options.top ?? TOP), () => renderAttribution(data)];
}

/** Ids of what `--token` or `--difference` names. */
function targetOf(
  { token, difference }: AttributeOptions,
  idOf: (text: string, option: string) => number,
): { token?: number; versus?: number } {
  if (difference === undefined) return token === undefined ? {} : { token: idOf(token, "--token") };
  const [first, second] = twoOf(difference);
  return { token: idOf(first, "--difference"), versus: idOf(second, "--difference") };
}

async function onPrompts(io: Io, on: ModelOnDevice, options: AttributeOptions): Promise<Told> {
  const { name, loaded, device } = on;
  const { prompts: file = "", exact = false } = options;
  const tokenizer = needTokenizer(name, loaded);
  const rows = pairIds(tokenizer, device.config, await promptsOf(tokenizer, file));
  const attributed = await counted(io, attributions(device, rows, exact), rows.length, "prompts");
  const data: PromptsAttributionData = { model: name, file, ...meanAttribution(attributed) };
  return [data, promptsAttributionText(io, data, options.top ?? TOP), () => renderPromptsAttribution(data)];
}

async function* attributions(model: Model, rows: readonly PromptPairIds[], exact: boolean) {
  const found: Attribution[] = [];
  for (const { clean, answer: token, wrong: versus } of rows) {
    found.push(await asking(() => attribute(model, clean, { token, versus, exact })));
    yield found.length;
    await breathe();
  }
  return found;
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
