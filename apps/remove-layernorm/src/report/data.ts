/** What the report is made from: what a run's folder says of it, its events sorted by type. */
import {
  type ChangeEvent,
  controlSteps,
  type EvalEvent,
  type FirstPositionEvent,
  type FoldEvent,
  type LookEvent,
  type PlanEvent,
  type RemovalEvent,
  type RunEvent,
  type SampleEvent,
  type StdEvent,
  type StepEvent,
  type Summary,
  type ValidationLosses,
} from "@normless/removal";
import type { EndedProvenance, Provenance } from "../provenance/schema.js";

export interface ReportData {
  /** With the recipe as the run ended with it. */
  readonly plan: Omit<PlanEvent, "type" | "backend" | "resumedAt">;
  readonly provenance: Provenance & Partial<EndedProvenance>;
  readonly steps: readonly StepEvent[];
  readonly removals: readonly RemovalEvent[];
  /** What a run that went on was told to do otherwise. */
  readonly changes: readonly ChangeEvent[];
  readonly evals: readonly EvalEvent[];
  readonly looks: readonly LookEvent[];
  readonly stds: readonly StdEvent[];
  readonly samples: readonly SampleEvent[];
  /** Missing where the run has not come to it yet, or its rows have nothing but a first position. */
  readonly firstPositions: Readonly<Partial<Record<FirstPositionEvent["model"], FirstPositionEvent>>>;
  /** Missing where the run has not come to folding yet. */
  readonly fold?: FoldEvent;
  /** Missing where the run has not ended yet. */
  readonly summary?: Summary;
  /** Of a run that has not ended. */
  readonly unfinished?: Unfinished;
}

/** How a run stands that has not ended. */
export interface Unfinished {
  /** A process is at work on it. */
  readonly goesOn: boolean;
  /** ISO 8601, of the last that it wrote. */
  readonly lastSign: string;
  /** What to type to go on with it, where it has a checkpoint. */
  readonly resume?: string;
}

export interface RunRecord {
  readonly provenance: Provenance & Partial<EndedProvenance>;
  readonly events: readonly RunEvent[];
  readonly summary?: Summary | undefined;
  readonly unfinished?: Unfinished | undefined;
}

/** @throws Error when the run had not even a plan. */
export function reportData({ provenance, events, summary, unfinished }: RunRecord): ReportData {
  const of = <T extends RunEvent["type"]>(type: T) =>
    events.filter((event): event is Extract<RunEvent, { type: T }> => event.type === type);
  const [plan] = of("plan");
  const [fold] = of("fold");
  const changes = of("change");
  const changed = changes.at(-1);
  if (!(plan as PlanEvent | undefined))
    throw new Error("the run has not begun: there is no plan in its metrics");
  return {
    plan: changed ? { ...plan, recipe: changed.recipe, removals: changed.removals } : plan,
    provenance,
    steps: of("step"),
    removals: of("removal"),
    changes,
    evals: of("eval"),
    looks: of("look"),
    stds: of("stds"),
    samples: of("sample"),
    firstPositions: Object.fromEntries(of("first-position").map((event) => [event.model, event])),
    ...(fold && { fold }),
    ...(summary && { summary: resultOf(summary) }),
    ...(unfinished && { unfinished }),
  };
}

/** What stands elsewhere in the data is left out. */
function resultOf(summary: Summary): Summary {
  const {
    recipe: _recipe,
    provenance: _provenance,
    ...rest
  } = summary as Summary & {
    readonly recipe?: unknown;
    readonly provenance?: unknown;
  };
  return rest;
}

/** The validation losses that are known: of the models that the run has come to. */
export function knownLosses({ summary, evals }: ReportData): Partial<ValidationLosses> {
  return summary?.validation ?? Object.fromEntries(evals.map(({ model, loss }) => [model, loss]));
}

/** `update 120 of 300 of the removal, after the control’s 300`: by what the run wrote. */
export function progressText({ plan: { recipe }, steps, evals }: ReportData): string {
  const { steps: total } = recipe;
  const last = steps.at(-1);
  const measured = evals.at(-1)?.model;
  if (!last) return measured === undefined ? "nothing is measured yet" : "the original is measured";
  const whose = last.phase === "control" ? "the control" : "the removal";
  if (last.step === total) {
    const isMeasured = measured === (last.phase === "control" ? "control" : "frozen");
    return `all ${total} updates of ${whose} are done${isMeasured ? " and measured" : ""}`;
  }
  const isSecond = last.phase === "removal" && controlSteps(recipe) > 0;
  return `update ${last.step} of ${total} of ${whose}${isSecond ? `, after the control’s ${total}` : ""}`;
}
