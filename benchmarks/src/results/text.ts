/** Results as rows of text, one shape of table for the terminal, the READMEs and the page. */
import { type Goal, goalsOf, isMet } from "./goals.js";
import { type Compared, comparedOn, meanRatio, slowerThanPeers, threadsOf } from "./primitives.js";
import {
  isPeer,
  oursFor,
  type Results,
  type Row,
  rowsOf,
  showEngine,
  type SuiteName,
  unique,
  withFastestForms,
} from "./results.js";

export interface Table {
  readonly title: string;
  /** What the figures are. */
  readonly note: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Three significant digits, thousands apart: `97.3`, `1,240`, `0.83`. */
export function figure(value: number): string {
  const rounded = Number(value.toPrecision(3));
  const digits = rounded >= 100 ? 0 : rounded >= 10 ? 1 : 2;
  return (rounded >= 1000 ? Math.round(value) : rounded).toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

export const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;

const notes: Readonly<Record<SuiteName, string>> = {
  kernels:
    "GFLOP/s; in brackets behind a peer, ours with all threads over it. `microkernel` is the inner loop alone, in the nearest cache: what the engine could do if memory cost nothing. Where two threads of it are not twice one, the two cores are halves of one.",
  transposes:
    "GFLOP/s, and in brackets the ratio to `mlp_in`, forward, in the same turns. Products of GPT-2 small at 1×1024.",
  ops: "What a step does besides products, at GPT-2 small’s sizes.",
  primitives:
    "Microseconds at 2^10 / 2^16 / 2^22 values; under × the time of the better peer over ours on so many threads. Shapes are the largest ones.",
  latency: "Microseconds.",
  steps:
    "Tokens a second of whole training steps: forward, backward, clip, AdamW. PyTorch takes them eager and compiled; the faster of the two is shown, and in brackets behind it which that is, how long compiling took (before the turns), and ours with all threads over it. Last in brackets is the most memory that each process held. `2 × wasm` is two processes of one thread, each with a step of its own, at once: what two cores give to threads that never wait for each other.",
  profile:
    "Milliseconds of a step, with all threads, in which each op ends before the next begins; a step by itself is faster, since there the next op is written, and often begun, while one runs. Products and attention as GFLOP/s, against the micro-kernel on as many threads in the same turns; the others as GB/s of the least that they could move, against a copy in memory, which they pass where operands are still in a cache. Between ops is JavaScript outside of them.",
  generation:
    "Tokens a second, one at a time, the most likely one each time, with a key/value cache. PyTorch eager or compiled, whichever is faster; in brackets behind it which that is, how long compiling took (before the turns), and ours with all threads over it.",
  io: "Megabytes a second.",
  scaling: "Tokens a second of a training step.",
  removal: "Seconds of wall time; in brackets the most memory that tensors took.",
};

export const titles: Readonly<Record<SuiteName, string>> = {
  kernels: "Matrix products",
  transposes: "Layouts",
  ops: "Other ops",
  primitives: "Primitives",
  latency: "Handing work to threads",
  steps: "Training steps",
  profile: "Where a step’s time goes",
  generation: "Generation",
  io: "Saving and loading",
  scaling: "How cost grows",
  removal: "The removal run",
};

/** One line a case, one column an engine; undefined when nothing of it was measured. */
export function suiteTable(results: Results, suite: SuiteName): Table | undefined {
  const rows = withFastestForms(rowsOf(results, suite));
  if (rows.length === 0) return undefined;
  if (suite === "profile") return profileTable(rows);
  if (suite === "primitives") return primitiveTable(rows);
  const engines = unique(rows.map(showEngine));
  const keys = unique(rows.map(keyOf));
  const mixed = unique(rows.map(({ unit }) => unit)).length > 1;
  return {
    title: titles[suite],
    note: notes[suite],
    head: ["", "shape", ...engines],
    rows: keys.map((key) => {
      const mine = rows.filter((row) => keyOf(row) === key);
      const cells = engines.map((engine) => {
        const row = mine.find((row) => showEngine(row) === engine);
        return row ? cell(row, mixed, oursFor(results, row)) : "";
      });
      return [`\`${nameOf(mine[0])}\``, mine[0].about, ...cells];
    }),
  };
}

/** One line an op. */
function profileTable(rows: readonly Row[]): Table {
  const percent = (part: number | undefined) => (part === undefined ? "" : `${figure(100 * part)} %`);
  return {
    title: titles.profile,
    note: notes.profile,
    head: ["", "", "engine", "ms", "of the step", "rate", "of the limit"],
    rows: rows.map(({ case: name, engine, about, ms, share, value, unit, toLimit }) => [
      ...[`\`${name}\``, about, engine, figure(ms.median), percent(share)],
      ...(toLimit === undefined ? ["", ""] : [`${figure(value)} ${unit}`, percent(toLimit)]),
    ]),
  };
}

/** One line an op, its sizes side by side. */
function primitiveTable(rows: readonly Row[]): Table {
  const sizes = unique(rows.map(({ x }) => x));
  const engines = unique(rows.map(showEngine));
  const threads = threadsOf(rows);
  const ratios = threads.map((threads) => comparedOn(rows, threads));
  const sideBySide = (values: readonly (number | undefined)[]) =>
    values.every((value) => value === undefined)
      ? ""
      : values.map((value) => (value === undefined ? "–" : figure(value))).join(" / ");
  return {
    title: titles.primitives,
    note: `${notes.primitives}${ratios.map((compared, i) => inWords(compared, threads[i], sizes)).join("")}`,
    head: ["", "shapes", ...engines, ...threads.map((threads) => `×, ${threads}`)],
    rows: unique(rows.map((row) => row.case)).map((name) => {
      const mine = rows.filter((row) => row.case === name);
      return [
        `\`${name}\``,
        mine.at(-1)?.about ?? "",
        ...engines.map((engine) =>
          sideBySide(sizes.map((x) => mine.find((row) => row.x === x && showEngine(row) === engine)?.value)),
        ),
        ...ratios.map((compared) =>
          sideBySide(sizes.map((x) => compared.find((one) => one.case === name && one.x === x)?.ratio)),
        ),
      ];
    }),
  };
}

const powerOf2 = (x: number | undefined) => `2^${Math.log2(x ?? 1)}`;

/** The means, and every op that is slower than a peer's. */
function inWords(
  compared: readonly Compared[],
  threads: number,
  sizes: readonly (number | undefined)[],
): string {
  if (compared.length === 0) return "";
  const means = sizes.map(
    (x) => `${figure(meanRatio(compared.filter((one) => one.x === x)) ?? NaN)} at ${powerOf2(x)}`,
  );
  const slower = slowerThanPeers(compared);
  const listed = unique(slower.map((one) => one.case)).map((name) => {
    const mine = slower.filter((one) => one.case === name);
    return `\`${name}\` (${mine.map(({ x, ratio }) => `${figure(ratio)} at ${powerOf2(x)}`).join(", ")})`;
  });
  return (
    `\n\nOn ${threads} ${threads === 1 ? "thread" : "threads"}: ${compared.length} comparisons, ` +
    `geometric mean ${figure(meanRatio(compared) ?? NaN)}: ${means.join(", ")}. ` +
    (slower.length === 0 ? "None is slower." : `Slower in ${slower.length}: ${listed.join(", ")}.`)
  );
}

/** Points of a curve share a case; each is a line of its own. */
const keyOf = (row: Row): string => `${row.case} ${row.x ?? ""} ${row.about}`;
const nameOf = ({ case: name, x }: Row): string => (x === undefined ? name : `${name} = ${x}`);

function cell(row: Row, mixed: boolean, ours: Row | undefined): string {
  const { engine, form, compileSeconds, value, unit, toMlpIn, peakBytes } = row;
  const extras = [
    form && (compileSeconds === undefined ? form : `${form} in ${figure(compileSeconds)} s`),
    toMlpIn !== undefined && figure(toMlpIn),
    isPeer(engine) && ours && `×${figure(ours.value / value)}`,
    peakBytes !== undefined && gigabytes(peakBytes),
  ].filter((extra) => typeof extra === "string");
  return `${figure(value)}${mixed ? ` ${unit}` : ""}${extras.length > 0 ? ` (${extras.join(", ")})` : ""}`;
}

/** What was promised and what this run measured. */
export function goalTable(results: Results): Table {
  return {
    title: "Goals",
    note: "Ratios within one run.",
    head: ["goal", "asked for", "measured", ""],
    rows: goalsOf(results).map((goal) => [goal.name, asked(goal), measured(goal), verdict(goal)]),
  };
}

export const amount = (value: number, unit: Goal["unit"]): string =>
  unit === "×" ? figure(value) : `${figure(value)} ${unit}`;
const asked = ({ target, better, unit }: Goal) =>
  `${better === "higher" ? "≥" : "≤"} ${amount(target, unit)}`;
const measured = ({ measured, unit }: Goal) =>
  measured === undefined ? "not measured" : amount(measured, unit);
const verdict = (goal: Goal) =>
  ({ true: "met", false: "missed", undefined: "" })[String(isMet(goal)) as "true"];

/** Where it ran, in a sentence. */
export function machineLine(results: Results): string {
  const { machine, descriptions, rows } = results;
  const ran = unique(rows.map(({ engine }) => engine)).flatMap((name) => descriptions[name] ?? []);
  const memory = Math.round(machine.memoryBytes / 2 ** 30);
  const where = `${machine.cpu}, ${machine.cores} cores, ${memory} GiB, Node ${machine.node}.`;
  return [where, ...(ran.length > 0 ? [`${ran.join("; ")}.`] : []), ...busy(results)].join(" ");
}

/** From this load on others have a good part of the cores. */
const BUSY = 1;

const busy = ({ machine: { loadBefore = 0, cores } }: Results): string[] =>
  loadBefore > BUSY
    ? [
        `Others were at work on the ${cores} cores (load ${figure(loadBefore)} before it began): figures are longer and further apart than at rest, those of several threads most of all.`,
      ]
    : [];

/** Said wherever the figures of a quick run are shown. */
export const QUICK = "A quick run: it shows that everything works, and its figures say nothing about speed.";
