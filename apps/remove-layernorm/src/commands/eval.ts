/** `normless eval`: the loss of models on tokens, HellaSwag and LAMBADA, with intervals and differences. */
import { Option } from "@commander-js/extra-typings";
import { isUrl, type RowOptions } from "@normless/data";
import { eotOf, HELLASWAG_SCORINGS, type HellaswagScoring } from "@normless/evaluate";
import { fitsBeside } from "@normless/train";
import { countArgument, integerArgument } from "../options/arguments.js";
import { needCorpusFile, readCorpus } from "../data/corpus.js";
import { dataText, rowOptions, withDataFiles } from "../data/data-files.js";
import { readHellaswag } from "../evaluate/hellaswag.js";
import { readLambada } from "../evaluate/lambada.js";
import { loadModel, type ModelOnDevice, type ModelOptions, onDevice, withModel } from "../engine/device.js";
import { UsageError } from "../errors.js";
import { checkSameTokens, folderFacts, type ModelFacts } from "../evaluate/facts.js";
import { figuresOf } from "../evaluate/figures.js";
import {
  type Inputs,
  measureOne,
  type MeasureOptions,
  type ModelResult,
  type Reference,
} from "../evaluate/measure.js";
import { evaluationText } from "../evaluate/tables.js";
import type { Io } from "../terminal/io.js";
import * as shared from "../options/options.js";
import { POSITION_ROWS } from "../options/options.js";
import { inputsOf } from "../options/outputs.js";
import { checkResults, writeJsonResult } from "../run-folder/result-file.js";
import { shippedModel } from "../models/shipped.js";

const scorings = [...HELLASWAG_SCORINGS, "both"] as const;

export interface EvalOptions extends Omit<ModelOptions, "model">, RowOptions {
  readonly model?: readonly string[] | undefined;
  readonly data?: readonly string[] | undefined;
  readonly tokens?: number | undefined;
  readonly eotTargets?: boolean | undefined;
  readonly blockSize?: number | undefined;
  readonly batchSize?: number | undefined;
  readonly positionRows?: number | undefined;
  readonly hellaswag?: string | undefined;
  readonly scoring?: (typeof scorings)[number] | undefined;
  readonly lambada?: string | undefined;
  readonly limit?: number | undefined;
  readonly resamples?: number | undefined;
  readonly seed?: number | undefined;
  readonly json?: string | undefined;
}

const TOKENS = "Loss on tokens:";
const TASKS = "Tasks:";
const INTERVALS = "Intervals:";
const tokensOption = (flags: string, description: string) => new Option(flags, description).helpGroup(TOKENS);
const taskOption = (flags: string, description: string) => new Option(flags, description).helpGroup(TASKS);

export function evalCommand(io: Io) {
  return shared
    .command(
      "eval",
      "Loss of models in nats a token, HellaSwag and LAMBADA, with intervals and differences to the first model",
      [
        "",
        "--model gpt2 runs/gpt2/ln-free --data val.bin",
        "--model gpt2 --data pile.parquet --rows 1000 --no-eot-targets --json gpt2.json",
        "--model gpt2 runs/gpt2/ln-free --hellaswag hellaswag_val.jsonl --limit 1000",
        "--model gpt2 --lambada lambada_test.jsonl",
      ],
    )
    .option(
      "--model <dir|name...>",
      "Hugging Face folders of GPT-2s, or names on the hub; the others are compared with the first (default: the model " +
        "that ships, models/sotu)",
    )
    .addOption(new Option("--batch-size <n>", "sequences at once").argParser(countArgument).default(16))
    .option("--json <file>", "also write all figures, sequence by sequence and item by item, to this file")
    .addOption(
      tokensOption("--data <file...>", `${dataText} (default: the val tokens in the first model's folder)`),
    )
    .addOption(shared.textColumnOption().helpGroup(TOKENS))
    .addOption(shared.tokenColumnOption().helpGroup(TOKENS))
    .addOption(
      tokensOption("--rows <n>", "rows of each .jsonl or .parquet (default: all)").argParser(countArgument),
    )
    .addOption(tokensOption("--tokens <n>", "targets of each file (default: all)").argParser(countArgument))
    .addOption(tokensOption("--no-eot-targets", "leave out the targets that are end-of-text"))
    .addOption(
      tokensOption("--block-size <n>", "tokens a sequence (default: the shortest context)").argParser(
        countArgument,
      ),
    )
    .addOption(shared.positionRowsOption().helpGroup(TOKENS))
    .addOption(taskOption("--hellaswag <file>", "HellaSwag's validation set, .jsonl, .parquet or .txt"))
    .addOption(
      taskOption(
        "--scoring <way>",
        "completion, the context and the ending as they are, acc_norm by token, as in llm.c; harness, as in " +
          "lm-evaluation-harness, with the activity's label, acc_norm by character (default: both)",
      ).choices(scorings),
    )
    .addOption(
      taskOption("--lambada <file>", "LAMBADA, .jsonl or .parquet with a text, or .txt, a passage a line"),
    )
    .addOption(taskOption("--limit <n>", "the first items of each (default: all)").argParser(countArgument))
    .addOption(
      new Option("--resamples <n>", "resamples of the bootstrap")
        .argParser(countArgument)
        .default(10_000)
        .helpGroup(INTERVALS),
    )
    .addOption(
      new Option("--seed <n>", "decides the resamples")
        .argParser(integerArgument)
        .default(0)
        .helpGroup(INTERVALS),
    )
    .addOption(shared.backendOption)
    .addOption(shared.blasLibraryOption)
    .addOption(shared.threadsOption)
    .addOption(shared.simdOption)
    .action(async (options) => evaluateModels(io, await withDataFiles(io, options)));
}

export async function evaluateModels(io: Io, options: EvalOptions): Promise<void> {
  const { batchSize = 16, eotTargets = true, scoring = "both", resamples, seed } = options;
  const { positionRows = POSITION_ROWS } = options;
  const names = options.model ?? [shippedModel()];
  const onTokens = options.data !== undefined || (options.hellaswag ?? options.lambada) === undefined;
  checkSubjects(options, onTokens);
  const inputs = inputsOf({ ...options, model: names });
  const { "--json": json } = await checkResults({ "--json": options.json }, inputs);
  // What does not go together is refused before hours are spent on the first model.
  const known = (await Promise.all(names.map(folderFacts))).filter((facts) => facts !== undefined);
  const checkTokens = (reference: ModelFacts, facts: ModelFacts, blockSize = 1) => {
    if (!onTokens) return;
    checkSameTokens(reference, facts);
    checkBlockSize(facts, blockSize);
  };
  for (const facts of known) checkTokens(known[0], facts, options.blockSize);

  const ways: readonly HellaswagScoring[] = scoring === "both" ? HELLASWAG_SCORINGS : [scoring];
  let first:
    { readonly facts: ModelFacts; readonly inputs: Inputs; readonly options: MeasureOptions } | undefined;
  const results: ModelResult[] = [];
  const measure = async (m: number, model: ModelOnDevice, reference?: Reference) => {
    const { config, tokenizer } = model.loaded;
    const facts = { name: names[m], config, tokenizer };
    const contexts = [facts, ...known].map(({ config }) => config.blockSize);
    first ??= {
      facts,
      inputs: await readInputs(io, options, model, onTokens),
      options: {
        ...{ batchSize, eotTargets, scorings: ways, positionRows },
        blockSize: options.blockSize ?? Math.min(...contexts),
        eot: eotOf(model.loaded),
      },
    };
    checkTokens(first.facts, facts, first.options.blockSize);
    results[m] = await measureOne(io, names[m], model, { ...first, reference });
  };
  const beside = names.length > 1 && onTokens && positionRows > 0;
  const alone = new Map<number, Reference>();
  await withModel(io, { ...options, model: names[0] }, async (one) => {
    await measure(0, one);
    const { backend } = one.device.params["wte.weight"];
    for (const [m, name] of [...names.entries()].slice(1)) {
      if (!beside) {
        alone.set(m, undefined);
        continue;
      }
      const other = await loadModel(io, name);
      if (fitsBeside(backend, one.loaded.weights, other.loaded.weights)) {
        await onDevice(backend, other, (model) => measure(m, model, referenceFor(one, model)));
      } else {
        const why = `${names[0]} and ${name} do not fit into the memory of ${backend.name} together`;
        alone.set(m, { why });
      }
    }
  });
  for (const [m, reference] of alone) {
    await withModel(io, { ...options, model: names[m] }, (model) => measure(m, model, reference));
  }
  if (!first) return;
  const figures = figuresOf(first.inputs, results, { resamples, seed });
  io.out(evaluationText(io, first.inputs, figures));
  if (json !== undefined) {
    const { hellaswag, lambada } = options;
    const { blockSize } = first.options;
    const settings = { blockSize, batchSize, eotTargets, positionRows, hellaswag, lambada, resamples, seed };
    const models = results.map(({ name, engine }) => ({ name, engine }));
    const all = { settings, models, ...figures };
    await writeJsonResult(io, json, all);
  }
}

/** The first model, where the other one's predictions can be held against its. */
function referenceFor({ device }: ModelOnDevice, { device: { config } }: ModelOnDevice): Reference {
  const [width, other] = [device.config.vocabSize, config.vocabSize];
  if (width === other) return { model: device };
  return { why: `the first model has ${width} logits and this one ${other}` };
}

/** @throws UsageError when an option is given for what is not measured. */
function checkSubjects(options: EvalOptions, onTokens: boolean): void {
  const { hellaswag, lambada, scoring, limit } = options;
  if (scoring !== undefined && hellaswag === undefined) {
    throw new UsageError("--scoring says how HellaSwag is scored; add --hellaswag FILE");
  }
  if (limit !== undefined && (hellaswag ?? lambada) === undefined) {
    throw new UsageError(
      "--limit is for the items of a task; add --hellaswag FILE or --lambada FILE. Tokens are limited by --tokens",
    );
  }
  if (onTokens) return;
  const { textColumn, tokenColumn, rows, tokens, eotTargets, blockSize, positionRows } = options;
  const given = {
    "--text-column": textColumn,
    "--token-column": tokenColumn,
    "--rows": rows,
    "--tokens": tokens,
    "--no-eot-targets": eotTargets === false ? true : undefined,
    "--block-size": blockSize,
    "--position-rows": positionRows,
  };
  const [option] = Object.entries(given).find(([, value]) => value !== undefined) ?? [];
  if (option === undefined) return;
  throw new UsageError(`${option} is for the loss on tokens, and only tasks are asked for; add --data FILE`);
}

function checkBlockSize({ name, config }: ModelFacts, blockSize: number): void {
  if (blockSize <= config.blockSize) return;
  throw new UsageError(
    `${blockSize} tokens a sequence are more than the context of ${name}, ${config.blockSize}; ` +
      `give --block-size ${config.blockSize} or less`,
  );
}

async function readInputs(
  io: Io,
  options: EvalOptions,
  { path, loaded }: ModelOnDevice,
  onTokens: boolean,
): Promise<Inputs> {
  const { hellaswag, lambada, limit } = options;
  const { tokenizer } = loaded;
  const { vocabSize } = loaded.config;
  const files = options.data ?? (onTokens ? [needCorpusFile(path, "val", "--data")] : []);
  for (const url of [...files, hellaswag, lambada]) if (url && isUrl(url)) io.err(`reading ${url}\n`);
  // So many targets, and the input before the first of them.
  const tokens = options.tokens === undefined ? undefined : options.tokens + 1;
  const limits = { ...rowOptions(files, options), tokens };
  const corpora: { file: string; tokens: Uint16Array }[] = [];
  for (const file of files) {
    corpora.push({ file, tokens: await readCorpus([file], { vocabSize, tokenizer, io }, limits) });
  }
  return {
    corpora,
    hellaswag:
      hellaswag === undefined ? undefined : { file: hellaswag, items: await readHellaswag(hellaswag, limit) },
    lambada:
      lambada === undefined ? undefined : { file: lambada, passages: await readLambada(lambada, limit) },
  };
}
