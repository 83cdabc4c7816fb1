/** What the report is made from: a run's events, sorted by type, and the summary that the run ends with. */
import type {
  EvalEvent,
  FoldEvent,
  LookEvent,
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
  readonly evals: readonly EvalEvent[];
  readonly looks: readonly LookEvent[];
  readonly stds: readonly StdEvent[];
  readonly samples: readonly SampleEvent[];
  /** Missing when the run ended before folding. */
  readonly fold?: FoldEvent;
  readonly summary: Summary;
}
