/** `normless compare`: two models on the same text, as tables, JSON and a page. */
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
import { type ComparisonData, inWords } from "../compare/comparison-data.js";
import { comparisonText } from "../terminal/comparison-text.js";
import { needCorpusFile, readCorpus } from "../data/corpus.js";
import { rowOptions, withDataFiles } from "../data/data-files.js";
import { counted } from "../terminal/counter.js";
import type { EngineOptions } from "../engine/engine.js";
import { UsageError, within } from "../errors.js";
import type { Io } from "../terminal/io.js";
import { command } from "../options/command.js";
import { addEngine } from "../options/engine-options.js";
import * as shared from "../options/options.js";
import { inputsOf } from "../options/outputs.js";
import { blockSizeOption } from "../options/recipe-options.js";
import { renderComparison } from "../report/comparison-page.js";
import { besideJson, checkResults, writeJsonResult, writeResult } from "../run-folder/result-file.js";
import { withTwoModels } from "../models/two-models.js";

export interface CompareOptions extends EngineOptions, ColumnOptions {
  readonly model: readonly string[];
  readonly data?: readonly string[] | undefined;
  readonly tokens?: number | undefined;
  readonly blockSize?: number | undefined;
  readonly positionRows?: number | undefined;
  readonly json?: string | undefined;
  readonly html?: string | undefined;
}

export function compareCommand(io: Io) {
  const own = command("compare", "Two models on the same text: what they predict, and what goes on inside", [
    "--model models/sotu runs/sotu/ln-free",
    "--model gpt2 runs/gpt2/ln-free --data val.bin --tokens 65536 --html compared.html",
  ])
    .addOption(shared.modelsOption().makeOptionMandatory())
    .addOption(shared.dataOption("the val tokens in the first model's folder"))
    .addOption(shared.tokensOption(TOKENS))
    .addOption(shared.textColumnOption())
    .addOption(shared.tokenColumnOption())
    .addOption(blockSizeOption("the shortest context"))
    .addOption(shared.positionRowsOption())
    .addOption(shared.jsonOption)
    .addOption(shared.htmlOption());
  return addEngine(own).action(async (options) =>
    compare(besideJson(io, options.json), await withDataFiles(io, options)),
  );
}

/** Compared on where nobody says. */
const TOKENS = 16_384;
/** Documents are few: they are looked at in so many tokens of the data, however many the rest is compared on. */
const DOCUMENT_TOKENS = 2 ** 19;
/** As many as the other figures have. */
const RESAMPLES = 1000;
/** Tokens of a batch of rows. */
const BATCH_TOKENS = 2048;

export async function compare(io: Io, options: CompareOptions): Promise<void> {
  const [first, second, ...more] = options.model;
  if (second === undefined || more.length > 0) {
    throw new UsageError(
      `two models are compared, and there are ${options.model.length}; give --model A B (normless eval takes any number)`,
    );
  }
  const inputs = inputsOf({ ...options });
  const { json, html } = options;
  const results = await checkResults({ "--json": json, "--html": html }, inputs);
  await withTwoModels(io, { a: first, b: second }, options, async (models) => {
    const [a, b] = [models.a.name, models.b.name];
    const contexts = [models.a, models.b].map(({ loaded }) => loaded.config.blockSize);
    const { blockSize = Math.min(...contexts), tokens: count = TOKENS } = options;
    if (blockSize > Math.min(...contexts)) {
      throw new UsageError(
        `--block-size ${blockSize} is more than the contexts of the models, ${contexts.join(" and ")}`,
      );
    }
    const data = options.data ?? [needCorpusFile(models.a.path, "val", "--data")];
    const tokenizer = models.a.loaded.tokenizer ?? models.b.loaded.tokenizer;
    const { vocabSize } = models.a.loaded.config;
    const { positionRows = shared.POSITION_ROWS } = options;
    const read = positionRows > 0 ? Math.max(count, DOCUMENT_TOKENS) : count;
    const limits = { ...rowOptions(data, options), tokens: read + 1 };
    const documents = await readCorpus(data, { vocabSize, tokenizer, io }, limits);
    const tokens = documents.subarray(0, count + 1);
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
