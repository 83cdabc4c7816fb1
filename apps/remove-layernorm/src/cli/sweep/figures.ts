/**
 * The figures of a sweep: what a finished run is asked for, and what the runs of a recipe on a model come to over the
 * seeds. One more figure is one more line in FIGURES.
 */
import { join } from "node:path";
import { type RunEvent, type Spread, spreadOf, worstSpike } from "../../core/index.js";
import { readMetrics } from "../metrics.js";
import { readSummary, type RunSummary } from "../run-record.js";
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
  /** In nats a token; undefined where a run has none. */
  readonly of: (run: FinishedRun) => number | undefined;
  /** A difference, which is told with its sign. */
  readonly isDifference: boolean;
}

export const FIGURES: readonly Figure[] = [
  {
    key: "toOriginal",
    name: "over the original",
    isDifference: true,
    of: ({ summary: { validation } }) => validation.folded - validation.original,
  },
  {
    key: "toControl",
    name: "over the control",
    isDifference: true,
    of: ({ summary: { validation } }) =>
      validation.control === undefined ? undefined : validation.folded - validation.control,
  },
  {
    key: "worstSpike",
    name: "worst spike",
    isDifference: true,
    of: ({ events }) => worstSpike(events.flatMap((event) => (event.type === "step" ? [event] : []))),
  },
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
  const runs: RunFigures[] = [];
  const mine = all.filter((run) => run.model === model && run.recipe === recipe);
  for (const run of [...mine].sort((a, b) => a.seed - b.seed)) runs.push(await runFigures(folder, run));
  const spreads = FIGURES.map(
    ({ key }) => [key, spreadOf(runs.map(({ figures }) => figures?.[key]))] as const,
  );
  return { model, recipe, runs, spreads: Object.fromEntries(spreads) };
}

async function runFigures(folder: string, run: SweepRun): Promise<RunFigures> {
  if (run.state !== "finished") return run;
  const place = join(folder, run.folder);
  const summary = await readSummary(place);
  // Somebody may have taken it away.
  if (!summary) return { ...run, state: "to come" };
  const finished = { summary, events: await readMetrics(place) };
  const figures = Object.fromEntries(FIGURES.map(({ key, of }) => [key, of(finished)]));
  return { ...run, figures, seconds: summary.seconds };
}

/** How many of a group's runs stand in each state. */
export function countOf({ runs }: Group, state: RunState): number {
  return runs.filter((run) => run.state === state).length;
}
