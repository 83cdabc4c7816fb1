/** `normless eval`: the loss of models on tokens, HellaSwag and LAMBADA, with intervals and differences. */
import { Option } from "@commander-js/extra-typings";
import { isUrl, type RowOptions } from "@normless/data";
import { eotOf, HELLASWAG_SCORINGS, type HellaswagScoring } from "@normless/evaluate";
import { fitsBeside } from "@normless/train";
import { countArguments, countOrAllArgument } from "../options/arguments.js";
import { needCorpusFile, readCorpus } from "../data/corpus.js";
import { rowOptions, withDataFiles } from "../data/data-files.js";
import { readHellaswag } from "../evaluate/hellaswag.js";
import { readLambada } from "../evaluate/lambada.js";
import { type ModelOnDevice, type ModelOptions, onDevice, withFiles, withModel } from "../engine/device.js";
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
import { command } from "../options/command.js";
import { addEngine } from "../options/engine-options.js";
import * as shared from "../options/options.js";
import { inputsOf } from "../options/outputs.js";
import { blockSizeOption, microBatchSizeOption, seedOption } from "../options/recipe-options.js";
import { besideJson, checkResults, writeJsonResult } from "../run-folder/result-file.js";
import { shippedModel } from "../models/shipped.js";

const scorings = [...HELLASWAG_SCORINGS, "both"] as const;

export interface EvalOptions extends Omit<ModelOptions, "model">, RowOptions {
  readonly model?: readonly string[] | undefined;
  readonly data?: readonly string[] | undefined;
  readonly tokens?: number | undefined;
  readonly eotTargets?: boolean | undefined;
  readonly blockSize?: number | undefined;
  readonly microBatchSize?: number | undefined;
  readonly positionRows?: number | undefined;
  readonly hellaswag?: string | undefined;
  readonly scoring?: (typeof scorings)[number] | undefined;
  readonly lambada?: string | undefined;
  readonly limit?: number | undefined;
  readonly resamples?: number | undefined;
  readonly seed?: number | undefined;
  readonly json?: string | undefined;
}

/** Sequences at once where nobody says. */
const MICRO_BATCH_SIZE = 16;

const TOGETHER = `
Files of --data are told each for itself, with --tokens and --rows of each. All models are held against the first.`;

const TOKENS = "Cross-entropy on tokens:";
const TASKS = "Tasks:";
const INTERVALS = "Intervals:";
const taskOption = (flags: string, description: string) => new Option(flags, description).helpGroup(TASKS);

export function evalCommand(io: Io) {
  const own = command(
    "eval",
    "Cross-entropy of models in nats a token, HellaSwag and LAMBADA, with intervals and differences to the first model",
    [
      "",
      "--model gpt2 runs/gpt2/ln-free --data val.bin",
      "--model gpt2 --data pile.parquet --rows 1000 --no-eot-targets --json gpt2.json",
      "--model gpt2 runs/gpt2/ln-free --hellaswag hellaswag_val.jsonl --limit 1000",
      "--model gpt2 --lambada lambada_test.jsonl",
    ],
  )
    .addOption(shared.modelsOption(shared.SHIPPED))
    .addOption(shared.weightsOption)
    .addOption(microBatchSizeOption(MICRO_BATCH_SIZE))
    .addOption(shared.jsonOption)
    .addOption(shared.dataOption("the val tokens in the first model's folder").helpGroup(TOKENS))
    .addOption(shared.tokensOption("all of each file").helpGroup(TOKENS))
    .addOption(shared.textColumnOption().helpGroup(TOKENS))
    .addOption(shared.tokenColumnOption().helpGroup(TOKENS))
    .addOption(
      new Option("--rows <n|all>", "so many rows of each .jsonl or .parquet, from the first (default: all)")
        .argParser(countOrAllArgument)
        .helpGroup(TOKENS),
    )
    .addOption(new Option("--no-eot-targets", "leave out the targets that are end-of-text").helpGroup(TOKENS))
    .addOption(blockSizeOption("the shortest context").helpGroup(TOKENS))
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
    .addOption(
      taskOption("--limit <n|all>", "so many items of each task, from the first (default: all)").argParser(
        countOrAllArgument,
      ),
    )
    .addOption(
      new Option("--resamples <n>", "resamples of the bootstrap")
        .argParser(countArguments.resamples)
        .default(10_000)
        .helpGroup(INTERVALS),
    )
    .addOption(seedOption(0).helpGroup(INTERVALS));
  return addEngine(own)
    .addHelpText("after", TOGETHER)
    .action(async (options) => {
      // Losses are computed in float32, of what generate would keep.
      const weights = options.weights === "bfloat16" ? "rounded" : options.weights;
      await evaluateModels(besideJson(io, options.json), { ...(await withDataFiles(io, options)), weights });
    });
}

export async function evaluateModels(io: Io, options: EvalOptions): Promise<void> {
  const { microBatchSize = MICRO_BATCH_SIZE, eotTargets = true, scoring = "both" } = options;
  const { resamples, seed = 0 } = options;
  const { positionRows = shared.POSITION_ROWS } = options;
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
        ...{ batchSize: microBatchSize, eotTargets, scorings: ways, positionRows },
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
      await withFiles(io, name, async (other) => {
        if (fitsBeside(backend, one.loaded.weights, other.loaded.weights)) {
          await onDevice(
            backend,
            other,
            (model) => measure(m, model, referenceFor(one, model)),
            options.weights,
          );
        } else {
          const why = `${names[0]} and ${name} do not fit into the memory of ${backend.name} together`;
          alone.set(m, { why });
        }
      });
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
    const settings = {
      ...{ blockSize, microBatchSize, eotTargets, positionRows },
      ...{ hellaswag, lambada, resamples, seed },
    };
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
  throw new UsageError(
    `${option} is for the cross-entropy on tokens, and only tasks are asked for; add --data FILE`,
  );
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
  const { tokens: count = Infinity } = options;
  const limits = { ...rowOptions(files, options), tokens: count + 1 };
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
