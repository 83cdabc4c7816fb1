/** What `normless eval` measures of one model. */
import { NO_TOKENIZER } from "@normless/data";
import type { Model } from "@normless/gpt2";
import {
  choiceTokens,
  type ChoiceRow,
  type ChoiceScore,
  cutRow,
  evaluateTokens,
  gradeHellaswag,
  type HellaswagGrades,
  type HellaswagItem,
  hellaswagRows,
  type HellaswagScoring,
  lambadaRow,
  type LastWordScore,
  measurePositions,
  type NotMeasured,
  type PositionSums,
  ROW_KINDS,
  rowSet,
  rowTargets,
  scoreChoices,
  scoreLastWords,
} from "@normless/evaluate";
import { type Groups, quantiles } from "@normless/statistics";
import type { ModelOnDevice } from "../engine/device.js";
import { SIGNAL_EXIT, UsageError, within } from "../errors.js";
import { thousands } from "../terminal/format.js";
import { breathe, type Io } from "../terminal/io.js";
import { Progress } from "../terminal/progress.js";

/** What is looked at, the same for all models. */
export interface Inputs {
  readonly corpora: readonly { readonly file: string; readonly tokens: Uint16Array }[];
  readonly hellaswag?: { readonly file: string; readonly items: readonly HellaswagItem[] } | undefined;
  readonly lambada?: { readonly file: string; readonly passages: readonly string[] } | undefined;
}

export interface MeasureOptions {
  /** Tokens a sequence of the corpora. */
  readonly blockSize: number;
  readonly batchSize: number;
  readonly eotTargets: boolean;
  readonly scorings: readonly HellaswagScoring[];
  /** Rows of each kind that loss and KL are measured on by position; 0 for none. */
  readonly positionRows: number;
  /** The id of end-of-text, where the models have one. */
  readonly eot: number | undefined;
}

/** The first model, where predictions can be held against its; why they cannot be; or neither, of the first model itself. */
export type Reference = { readonly model: Model } | { readonly why: string } | undefined;

/** The middle of single tokens' nats, and between which two 95 % and 99.9 % of them are. */
export interface TokenQuantiles {
  readonly median: number;
  readonly low95: number;
  readonly high95: number;
  readonly low999: number;
  readonly high999: number;
}

export interface CorpusResult {
  /** Nats and targets of each sequence. */
  readonly sequences: Groups;
  readonly quantiles: TokenQuantiles;
  /** By what a row starts with and position; undefined where nobody asked. */
  readonly positions: PositionSums | undefined;
}

export interface HellaswagResult extends HellaswagGrades {
  readonly scoring: HellaswagScoring;
  /** Ending by ending, item by item. */
  readonly scores: readonly ChoiceScore[];
}

export interface ModelResult {
  readonly name: string;
  readonly engine: string;
  /** One for each corpus. */
  readonly corpora: readonly CorpusResult[];
  /** One for each way of scoring. */
  readonly hellaswag: readonly HellaswagResult[];
  readonly lambada: readonly LastWordScore[] | undefined;
}

export async function measureOne(
  io: Io,
  name: string,
  { loaded, device }: ModelOnDevice,
  {
    inputs,
    options,
    reference,
  }: { readonly inputs: Inputs; readonly options: MeasureOptions; readonly reference?: Reference },
): Promise<ModelResult> {
  const { tokenizer, config } = loaded;
  const { batchSize } = options;
  const needTokenizer = () => {
    if (tokenizer) return tokenizer;
    throw new UsageError(`${name}: HellaSwag and LAMBADA are text, and ${NO_TOKENIZER} (--data)`);
  };
  if (inputs.hellaswag ?? inputs.lambada) needTokenizer();
  const corpora: CorpusResult[] = [];
  for (const { file, tokens } of inputs.corpora) {
    const work = evaluateTokens(device, tokens, options);
    const evaluated = await follow(io, `${name} on ${file}`, tokens.length - 1, work);
    const { nats, sequences } = evaluated;
    const quantiles = await within(file, () => quantilesOf(nats));
    const what = `${name} on ${file}, by position`;
    const positions = await positionsOf(io, what, { device, tokens, options, reference });
    corpora.push({ sequences, quantiles, positions });
  }
  const hellaswag: HellaswagResult[] = [];
  const items = inputs.hellaswag?.items ?? [];
  for (const scoring of items.length > 0 ? options.scorings : []) {
    const rows = hellaswagRows(needTokenizer(), items, scoring);
    noteCut(io, name, rows, config.blockSize);
    const what = `${name} on HellaSwag (${scoring})`;
    const total = choiceTokens(rows, config.blockSize);
    // An item's rows follow each other.
    const place = (row: number) => {
      const { length } = items[0].endings;
      return `ending ${row % length} of item ${Math.floor(row / length)}, both counted from 0`;
    };
    const scores = await follow(io, what, total, scoreChoices(device, rows, { batchSize, place }));
    hellaswag.push({ scoring, scores, ...gradeHellaswag(items, scoring, scores) });
  }
  let lambada: readonly LastWordScore[] | undefined;
  if (inputs.lambada) {
    const rows = inputs.lambada.passages.map((passage) => lambadaRow(needTokenizer(), passage));
    noteCut(io, name, rows, config.blockSize);
    const total = choiceTokens(rows, config.blockSize);
    lambada = await follow(io, `${name} on LAMBADA`, total, scoreLastWords(device, rows));
  }
  return { name, engine: device.params["wte.weight"].backend.description, corpora, hellaswag, lambada };
}

function quantilesOf(nats: Float32Array): TokenQuantiles {
  if (nats.length === 0) throw new Error("every target is end-of-text, and those are left out");
  const [median, low95, high95, low999, high999] = quantiles(nats, [0.5, 0.025, 0.975, 0.0005, 0.9995]);
  return { median, low95, high95, low999, high999 };
}

interface OfTokens {
  readonly device: Model;
  readonly tokens: Uint16Array;
  readonly options: MeasureOptions;
  readonly reference: Reference;
}

async function positionsOf(
  io: Io,
  what: string,
  { device, tokens, options, reference }: OfTokens,
): Promise<PositionSums | undefined> {
  const { positionRows, blockSize, batchSize, eotTargets, eot } = options;
  if (positionRows === 0) return undefined;
  const most = Object.fromEntries(ROW_KINDS.map((kind) => [kind, positionRows]));
  const rows = rowSet({ tokens, blockSize, eot, most });
  const work = measurePositions(device, rows, {
    batchSize,
    ...(!eotTargets && { leaveOut: eot }),
    ...(reference && "model" in reference && { reference: reference.model }),
  });
  const sums = await follow(io, what, rowTargets(rows), work);
  const without: NotMeasured[] =
    reference && "why" in reference ? [{ figure: "kl", why: reference.why }] : [];
  return { ...sums, notMeasured: [...without, ...sums.notMeasured] };
}

/** Models of a short context do not see the beginning of long texts, which their scores suffer from. */
function noteCut(io: Io, name: string, rows: readonly ChoiceRow[], blockSize: number): void {
  const cut = rows.filter((row) => cutRow(row, blockSize).cut).length;
  if (cut === 0) return;
  io.err(
    `${name}: ${thousands(cut)} of ${thousands(rows.length)} texts are longer than its context of ${blockSize} tokens; of those it sees the end\n`,
  );
}

/** Draws the progress of `work`, which yields how many of `total` tokens are done. @throws Error naming `what` */
async function follow<X>(io: Io, what: string, total: number, work: AsyncGenerator<number, X>): Promise<X> {
  const progress = new Progress(io, { train: 0, evaluate: total });
  const release = io.onInterrupt((signal) => {
    progress.stop();
    io.exit(SIGNAL_EXIT[signal]);
  });
  let seen = 0;
  try {
    for (;;) {
      const next = await within(what, () => work.next());
      if (next.done) return next.value;
      progress.evaluated(what, next.value - seen);
      seen = next.value;
      await breathe();
    }
  } finally {
    release();
    progress.stop();
  }
}
