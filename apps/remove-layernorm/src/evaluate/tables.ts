/** The figures on the terminal. */
import { thousands } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { table } from "../terminal/table.js";
import { notMeasuredText, positionTable } from "../terminal/position-text.js";
import type { CorpusFigures, Figure, Figures } from "./figures.js";
import type { Inputs } from "./measure.js";

type Show = (value: number) => string;
interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => string;
}

const nats: Show = (value) => (Math.abs(value) < 1e5 ? value.toFixed(4) : value.toExponential(4));
const percent: Show = (share) => (100 * share).toFixed(2);
const perplexity: Show = (value) => (Math.abs(value) < 1e6 ? value.toFixed(3) : value.toExponential(3));

/** All tables, each under a line that says what it is of. */
export function evaluationText(io: Io, inputs: Inputs, { corpora, hellaswag, lambada }: Figures): string {
  const parts: string[] = [];
  // One model's files stand side by side, or several models on one file.
  if (corpora.length === inputs.corpora.length) parts.push(lossTables(io, corpora, "data"));
  else {
    for (const { file } of inputs.corpora) {
      parts.push(
        `${file}\n`,
        lossTables(
          io,
          corpora.filter(({ data }) => data === file),
          "model",
        ),
      );
    }
  }
  for (const { file } of inputs.corpora) {
    const rows = corpora.filter(({ data }) => data === file);
    parts.push(positionTables(io, file, rows));
  }
  for (const scoring of new Set(hellaswag.map((row) => row.scoring))) {
    parts.push(
      `HellaSwag, scored as ${scoring}: ${thousands(inputs.hellaswag?.items.length ?? 0)} items\n`,
      draw(
        io,
        hellaswag.filter((row) => row.scoring === scoring),
        [
          { head: "model", cell: ({ model }) => model },
          ...columns<(typeof hellaswag)[number]>("acc (%)", ({ acc }) => acc, percent),
          ...columns<(typeof hellaswag)[number]>("acc_norm (%)", ({ accNorm }) => accNorm, percent),
        ],
      ),
    );
  }
  if (lambada.length > 0) {
    parts.push(
      `LAMBADA: the last words of ${thousands(inputs.lambada?.passages.length ?? 0)} passages\n`,
      draw(io, lambada, [
        { head: "model", cell: ({ model }) => model },
        ...columns<(typeof lambada)[number]>("accuracy (%)", ({ accuracy }) => accuracy, percent),
        ...columns<(typeof lambada)[number]>("perplexity", (row) => row.perplexity, perplexity),
      ]),
    );
  }
  return `${parts.join("")}In brackets: 95 % intervals, by the bootstrap\n`;
}

function lossTables(io: Io, rows: readonly CorpusFigures[], by: "data" | "model"): string {
  if (rows.length === 0) return "";
  const name: Column<CorpusFigures> = { head: by, cell: (row) => row[by] };
  const range = (low: number, high: number) => `${nats(low)} to ${nats(high)}`;
  return (
    draw(io, rows, [
      name,
      ...columns<CorpusFigures>("cross-entropy (nats/token)", ({ loss }) => loss, nats),
      { head: "perplexity", cell: (row) => perplexity(row.perplexity) },
      { head: "tokens", cell: ({ targets }) => thousands(targets) },
    ]) +
    draw(io, rows, [
      name,
      { head: "median token", cell: ({ quantiles }) => nats(quantiles.median) },
      { head: "95 % of tokens", cell: ({ quantiles: { low95, high95 } }) => range(low95, high95) },
      { head: "99.9 % of tokens", cell: ({ quantiles: { low999, high999 } }) => range(low999, high999) },
    ])
  );
}

/** The models' tables by position on one file, each under its name; nothing where that was not measured. */
function positionTables(io: Io, file: string, rows: readonly CorpusFigures[]): string {
  const parts = rows.flatMap(({ model, positions }) => {
    if (!positions) return [];
    return [
      `${model} on ${file}, by what a row starts with and by position:\n`,
      positionTable(io, "cross-entropy (nats/token)", positions, ({ loss }) => loss, nats),
      positionTable(io, "cross-entropy − first’s", positions, ({ toFirst }) => toFirst, withSign(nats)),
      positionTable(io, "KL(first‖model)", positions, ({ kl }) => kl, nats),
      ...notMeasuredText(positions.notMeasured).map((line) => `${line}\n`),
    ];
  });
  return parts.join("");
}

function withSign(show: Show): Show {
  return (value) => {
    const size = show(Math.abs(value));
    return Number(size) === 0 ? size : `${value < 0 ? "−" : "+"}${size}`;
  };
}

/** A figure's column, and one of its difference to the first model. */
function columns<Row>(head: string, figure: (row: Row) => Figure, show: Show): Column<Row>[] {
  const signed = withSign(show);
  const cell = ({ value, interval }: Pick<Figure, "value" | "interval">, as: Show) =>
    as(value) + (interval ? ` [${as(interval.low)}, ${as(interval.high)}]` : "");
  return [
    { head, cell: (row) => cell(figure(row), show) },
    {
      head: "to the first",
      cell: (row) => {
        const { toFirst } = figure(row);
        return toFirst ? cell(toFirst, signed) : "";
      },
    },
  ];
}

/** A table without the columns that are empty in every row. */
function draw<Row>(io: Io, rows: readonly Row[], all: readonly Column<Row>[]): string {
  const shown = all.filter(({ cell }) => rows.some((row) => cell(row) !== ""));
  return table(
    io,
    shown.map(({ head }) => head),
    rows.map((row) => shown.map(({ cell }) => cell(row))),
  );
}
