/** `normless compare`: two models on the same text, as tables, JSON and a page. */
import { Option } from "@commander-js/extra-typings";
import type { ColumnOptions } from "@normless/data";
import type { Model } from "@normless/gpt2";
import {
  type Both,
  compareModels,
  eotOf,
  measurePositions,
  type PositionFigures,
  positionFigures,
  ROW_KINDS,
  rowSet,
  type RowSetOptions,
  rowTargets,
} from "@normless/evaluate";
import { countArgument, wholeArgument } from "../options/arguments.js";
import { type ComparisonData, inWords } from "../compare/comparison-data.js";
import { comparisonText } from "../terminal/comparison-text.js";
import { needCorpusFile, readCorpus } from "../data/corpus.js";
import { dataText, rowOptions, withDataFiles } from "../data/data-files.js";
import { counted } from "../terminal/counter.js";
import type { EngineOptions } from "../engine/engine.js";
import { UsageError, within } from "../errors.js";
import type { Io } from "../terminal/io.js";
import * as shared from "../options/options.js";
import { POSITION_ROWS } from "../options/options.js";
import { inputsOf } from "../options/outputs.js";
import { renderComparison } from "../report/comparison-page.js";
import { checkResults, writeJsonResult, writeResult } from "../run-folder/result-file.js";
import { withTwoModels } from "../models/two-models.js";

export interface CompareCommandOptions extends EngineOptions, ColumnOptions {
  readonly data?: readonly string[] | undefined;
  readonly tokens?: number | undefined;
  readonly blockSize?: number | undefined;
  readonly positionRows?: number | undefined;
  readonly json?: string | undefined;
  readonly html?: string | undefined;
}

export function compareCommand(io: Io) {
  return shared
    .command("compare", "Two models on the same text: what they predict, and what goes on inside", [
      "models/sotu runs/sotu/ln-free",
      "gpt2 runs/gpt2/ln-free --data val.bin --tokens 65536 --html compared.html",
    ])
    .argument("<A>", "a Hugging Face folder of a GPT-2, or a name on the hub")
    .argument("<B>", "another, of the same tokenizer")
    .option("--data <file...>", `${dataText} (default: the val tokens in the folder of A)`)
    .addOption(shared.textColumnOption())
    .addOption(shared.tokenColumnOption())
    .addOption(
      new Option("--tokens <n>", "tokens to compare on, from the first; 0 is all")
        .argParser(wholeArgument)
        .default(16384),
    )
    .option("--block-size <n>", "tokens a sequence (default: the smaller context of the two)", countArgument)
    .addOption(shared.positionRowsOption())
    .option("--json <file>", "every figure, with the passages that differ most")
    .option("--html <file>", "the same as a page with charts")
    .addOption(shared.backendOption)
    .addOption(shared.blasLibraryOption)
    .addOption(shared.threadsOption)
    .addOption(shared.simdOption)
    .action(async (a, b, options) => compare(io, a, b, await withDataFiles(io, options)));
}

/** Documents are few: they are looked at in so many tokens of the data, however many the rest is compared on. */
const DOCUMENT_TOKENS = 2 ** 19;
/** As many as the other figures have. */
const RESAMPLES = 1000;
/** Tokens of a batch of rows. */
const BATCH_TOKENS = 2048;

export async function compare(
  io: Io,
  first: string,
  second: string,
  options: CompareCommandOptions,
): Promise<void> {
  const inputs = { A: first, B: second, ...inputsOf({ ...options }) };
  const { json, html } = options;
  const results = await checkResults({ "--json": json, "--html": html }, inputs);
  await withTwoModels(io, { a: first, b: second }, options, async (models) => {
    const [a, b] = [models.a.path, models.b.path];
    const contexts = [models.a, models.b].map(({ loaded }) => loaded.config.blockSize);
    const { blockSize = Math.min(...contexts), tokens: count = 16384 } = options;
    if (blockSize > Math.min(...contexts)) {
      throw new UsageError(
        `--block-size ${blockSize} is more than the contexts of the models, ${contexts.join(" and ")}`,
      );
    }
    const data = options.data ?? [needCorpusFile(a, "val", "--data")];
    const tokenizer = models.a.loaded.tokenizer ?? models.b.loaded.tokenizer;
    const { vocabSize } = models.a.loaded.config;
    const { positionRows = POSITION_ROWS } = options;
    const read = positionRows > 0 ? Math.max(count, DOCUMENT_TOKENS) : count;
    const limits = { ...rowOptions(data, options), tokens: count > 0 ? read + 1 : undefined };
    const documents = await readCorpus(data, { vocabSize, tokenizer, io }, limits);
    const tokens = count > 0 ? documents.subarray(0, count + 1) : documents;
    const devices = { a: models.a.device, b: models.b.device };
    const comparison = await within(data.join(", "), () =>
      counted(io, compareModels(devices, tokens, { blockSize }), tokens.length - 1, "tokens"),
    );
    const text = { tokens, documents, blockSize, eot: eotOf(models.a.loaded) };
    const positions =
      positionRows > 0
        ? await within(data.join(", "), () => comparePositions(io, devices, text, positionRows))
        : undefined;
    const found: ComparisonData = {
      models: { a, b },
      data,
      engine: devices.a.params["wte.weight"].backend.description,
      ...comparison,
      passages: comparison.passages.map((passage) => inWords(tokenizer, passage)),
      ...(positions && { positions }),
    };
    io.out(comparisonText(io, found));
    if (results["--json"] !== undefined) await writeJsonResult(io, results["--json"], found);
    if (results["--html"] !== undefined) await writeResult(io, results["--html"], renderComparison(found));
  });
}

/** Both models on the same rows of every kind. */
async function comparePositions(
  io: Io,
  { a, b }: Both<Model>,
  text: Omit<RowSetOptions, "most">,
  positionRows: number,
): Promise<Both<PositionFigures>> {
  const most = Object.fromEntries(ROW_KINDS.map((kind) => [kind, positionRows]));
  const rows = rowSet({ ...text, most });
  const batchSize = Math.ceil(BATCH_TOKENS / text.blockSize);
  const total = rowTargets(rows);
  const sums = [
    await counted(io, measurePositions(a, rows, { batchSize }), total, "tokens of A by position"),
    await counted(
      io,
      measurePositions(b, rows, { batchSize, reference: a }),
      total,
      "tokens of B by position",
    ),
  ];
  const [ofA, ofB] = positionFigures(sums, { resamples: RESAMPLES });
  return { a: ofA, b: ofB };
}
