/**
 * The figures of a sweep: what a finished run is asked for, and what the runs of a recipe on a model come to over the
 * seeds. One more figure is one more line in FIGURES.
 */
import { join } from "node:path";
import type { CellFigures, KindFigures, PositionRange, RowKind } from "@normless/evaluate";
import { type FirstPositionEvent, laterAttention, type RunEvent, worstSpike } from "@normless/removal";
import { type Spread, spreadOf } from "@normless/statistics";
import { readMetrics } from "../run-folder/metrics.js";
import { readEnding, type RunSummary } from "../run-folder/summary.js";
import type { Arm, RunState, SweepRecord, SweepRun } from "./record.js";

/** What a finished run left. */
export interface FinishedRun {
  readonly summary: RunSummary;
  readonly events: readonly RunEvent[];
}

export interface Figure {
  readonly key: string;
  /** The head of its column. */
  readonly name: string;
  /** Undefined where a run has none. */
  readonly of: (run: FinishedRun) => number | undefined;
  /** In nats a token: a difference is told with its sign. What the first position is has no unit. */
  readonly unit: "difference" | "nats" | "spike" | "times" | "share";
}

export const FIGURES: readonly Figure[] = [
  {
    key: "toOriginal",
    name: "over the original",
    unit: "difference",
    of: ({ summary: { validation } }) => validation.folded - validation.original,
  },
  {
    key: "toControl",
    name: "over the control",
    unit: "difference",
    of: ({ summary: { validation } }) =>
      validation.control === undefined ? undefined : validation.folded - validation.control,
  },
  {
    key: "documents",
    name: "over the original, document starts",
    unit: "difference",
    of: (run) => kindsOf(run).find(({ kind }) => kind === "eot-document")?.all.toFirst?.value,
  },
  {
    key: "worstSpike",
    name: "worst spike",
    unit: "spike",
    of: ({ events }) => worstSpike(events.flatMap((event) => (event.type === "step" ? [event] : []))),
  },
];

const firstPosition =
  (model: FirstPositionEvent["model"], what: (event: FirstPositionEvent) => number) =>
  ({ events }: FinishedRun): number | undefined => {
    const event = events.find((one) => one.type === "first-position" && one.model === model);
    return event && what(event as FirstPositionEvent);
  };
const ratio = ({ ratio }: FirstPositionEvent) => ratio;
const attention = ({ attention }: FirstPositionEvent) => laterAttention(attention);

/** What became of the first position. */
export const FIRST_POSITION: readonly Figure[] = [
  { key: "stdBefore", name: "std before", unit: "times", of: firstPosition("original", ratio) },
  { key: "stdAfter", name: "after", unit: "times", of: firstPosition("frozen", ratio) },
  {
    key: "attentionBefore",
    name: "attention before",
    unit: "share",
    of: firstPosition("original", attention),
  },
  { key: "attentionAfter", name: "after", unit: "share", of: firstPosition("frozen", attention) },
];

export type Figures = Readonly<Record<string, number | undefined>>;

/** A run and its figures, where it has ended. */
export interface RunFigures extends SweepRun {
  readonly figures?: Figures;
  /** Of the process that ended it. */
  readonly seconds?: number;
}

/** The runs of a recipe on a model. */
export interface Group {
  readonly model: string;
  readonly recipe: string;
  readonly runs: readonly RunFigures[];
  /** Over the finished runs, by figure. */
  readonly spreads: Readonly<Record<string, Spread | undefined>>;
  readonly positions: readonly KindSpreads[];
}

/** The LN-free models' validation by what a row starts with, over the finished runs. */
export interface KindSpreads {
  readonly kind: RowKind;
  readonly all: CellSpreads;
  readonly ranges: readonly (CellSpreads & { readonly range: PositionRange })[];
}

/** Nats a token: loss over the original's, and KL from it. */
export interface CellSpreads {
  readonly toOriginal?: Spread | undefined;
  readonly kl?: Spread | undefined;
}

export interface SweepFigures {
  readonly groups: readonly Group[];
  /** Those of FIGURES that any run has. */
  readonly shown: readonly Figure[];
}

/** Reads what the finished runs of a sweep's folder left. */
export async function sweepFigures(folder: string, { arms, runs }: SweepRecord): Promise<SweepFigures> {
  const groups: Group[] = [];
  for (const arm of arms) groups.push(await groupOf(folder, arm, runs));
  const has = ({ key }: Figure) => groups.some(({ spreads }) => spreads[key] !== undefined);
  return { groups, shown: FIGURES.filter(has) };
}

async function groupOf(folder: string, { model, recipe }: Arm, all: readonly SweepRun[]): Promise<Group> {
  const mine = all.filter((run) => run.model === model && run.recipe === recipe);
  const runs: RunFigures[] = [];
  const kinds: (readonly KindFigures[])[] = [];
  for (const run of [...mine].sort((a, b) => a.seed - b.seed)) {
    const finished = await finishedRun(folder, run);
    // Somebody may have taken it away.
    const state = run.state === "finished" && !finished ? "to come" : run.state;
    if (finished) kinds.push(kindsOf(finished));
    runs.push({ ...run, state, ...(finished && runFigures(finished)) });
  }
  const spreads = [...FIGURES, ...FIRST_POSITION].map(
    ({ key }) => [key, spreadOf(runs.map(({ figures }) => figures?.[key]))] as const,
  );
  return { model, recipe, runs, spreads: Object.fromEntries(spreads), positions: positionSpreads(kinds) };
}

async function finishedRun(
  folder: string,
  { state, folder: name }: SweepRun,
): Promise<FinishedRun | undefined> {
  if (state !== "finished") return undefined;
  const { summary } = await readEnding(join(folder, name));
  return summary && { summary, events: (await readMetrics(join(folder, name))).events };
}

function runFigures(finished: FinishedRun): Pick<RunFigures, "figures" | "seconds"> {
  const figures = [...FIGURES, ...FIRST_POSITION].map(({ key, of }) => [key, of(finished)] as const);
  return { figures: Object.fromEntries(figures), seconds: finished.summary.seconds };
}

function kindsOf({ summary: { validated } }: FinishedRun): readonly KindFigures[] {
  return validated.folded?.positions.kinds ?? [];
}

/** Runs on the same text have the same kinds and ranges. */
function positionSpreads(runs: readonly (readonly KindFigures[])[]): KindSpreads[] {
  const [first = []] = runs;
  return first.map(({ kind, ranges }, k) => ({
    kind,
    all: cellSpreads(runs.map((kinds) => kinds[k].all)),
    ranges: ranges.map(({ range }, r) => ({
      range,
      ...cellSpreads(runs.map((kinds) => kinds[k].ranges[r])),
    })),
  }));
}

function cellSpreads(cells: readonly CellFigures[]): CellSpreads {
  const toOriginal = spreadOf(cells.map(({ toFirst }) => toFirst?.value));
  const kl = spreadOf(cells.map(({ kl: own }) => own?.value));
  return { ...(toOriginal && { toOriginal }), ...(kl && { kl }) };
}

/** How many of a group's runs stand in each state. */
export function countOf({ runs }: Group, state: RunState): number {
  return runs.filter((run) => run.state === state).length;
}
