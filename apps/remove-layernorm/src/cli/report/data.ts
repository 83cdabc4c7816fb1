/** What the report is made from: a run's events, sorted by type, and the summary that the run ends with. */
import type {
  ChangeEvent,
  EvalEvent,
  FirstPositionEvent,
  FoldEvent,
  PlanEvent,
  RemovalEvent,
  RollbackEvent,
  SampleEvent,
  StdEvent,
  StepEvent,
  Summary,
} from "../../core/events.js";

export interface ReportData {
  readonly plan: PlanEvent;
  readonly steps: readonly StepEvent[];
  readonly removals: readonly RemovalEvent[];
  /** Removals that were taken back; they stand in `removals` too. */
  readonly rollbacks: readonly RollbackEvent[];
  /** What a run that went on was told to do otherwise. */
  readonly changes: readonly ChangeEvent[];
  readonly evals: readonly EvalEvent[];
  readonly stds: readonly StdEvent[];
  readonly samples: readonly SampleEvent[];
  /** Missing when the run ended before folding. */
  readonly fold?: FoldEvent;
  /** Missing when rows have nothing but a first position. */
  readonly firstPosition?: FirstPositionEvent;
  readonly summary: Summary;
}
