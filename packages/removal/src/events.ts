/**
 * What a run tells the world, in order. The terminal, the metrics file, the report and the page are consumers of one
 * stream. Fields named `seconds` (since this process began the run) and `tokensPerSecond` are timings; everything else is the same for the same seed.
 */
import type { Gpt2Config, HostModel, WeightsInMemory } from "@normless/gpt2";
import type { PerClass } from "@normless/tensor";
import type { ChangedField, ProgressEvent, TrainingStep } from "@normless/train";
import type { Contender, Phase } from "./phase.js";
import type { LayerAttention, PositionFigures, PositionRange, RowKind, StdsSeen } from "@normless/evaluate";
import type { Removal } from "./recipe/plan.js";
import type { FailsOnSink, RemovalRecipe } from "./recipe/recipe.js";
import type { Extent } from "./recipe/sites.js";
import type { RunState } from "./state.js";

export type { Contender, Phase } from "./phase.js";
export type { ProgressEvent } from "@normless/train";

import type { Estimate } from "@normless/statistics";

/** Mean std at each norm module, by position class, in the residual's units. */
export type StdByModule = Readonly<Record<string, PerClass>>;

/** What the run is going to do; the first event. */
export interface PlanEvent {
  readonly type: "plan";
  readonly recipe: RemovalRecipe;
  readonly config: Gpt2Config;
  readonly removals: readonly Removal[];
  /** Which norms go, which are gone before, and which stay. */
  readonly sites: Extent;
  readonly trainTokens: number;
  readonly validationTokens: number;
  /** Targets that each model is validated on, of all kinds of rows. */
  readonly validationTargets: Readonly<Record<Contender, number>>;
  /** What really runs, for people. */
  readonly backend: string;
  /** Set when this run goes on from a checkpoint. */
  readonly resumedAt?: { readonly phase: Phase; readonly step: number };
}
/** An update of one of the two trainings. */
export interface StepEvent extends TrainingStep {
  readonly phase: Phase;
}
/** A norm, or special constants, that went. */
export interface RemovalEvent {
  readonly type: "removal";
  /** Updates done when it happened. */
  readonly step: number;
  readonly removal: Removal;
  /** The constants that a frozen norm divides by from now on. */
  readonly std?: PerClass;
  /**
   * Nats a token that it cost at once, measured beforehand on sequences of the coming batch, given what went before it at
   * the same step: in the loss that the run trains on (removing/cost.ts). A taper has none, since nothing happens at once.
   * NO_NUMBER where the loss is none without it.
   */
  readonly damage?: number;
}
/** A run that goes on with another recipe: what it holds from the next update on. */
export interface ChangeEvent {
  readonly type: "change";
  readonly phase: Phase;
  /** Updates of this phase that were done before. */
  readonly step: number;
  readonly changes: readonly ChangedField[];
  /** As it is from here on, and its plan. */
  readonly recipe: RemovalRecipe;
  readonly removals: readonly Removal[];
}
/** A model's validation by row kind and position. */
export interface Validated {
  /** Differences are to the original. Of the frozen model plain windows alone, since the folded one is the same model. */
  readonly positions: PositionFigures;
  /** Of an LN-free model where there is a control: loss minus the control's on the same targets, by row kind. */
  readonly toControl?: Readonly<Partial<Record<RowKind, Estimate>>>;
}
/** A model's validation. */
export interface EvalEvent extends Validated {
  readonly type: "eval";
  readonly model: Contender;
  /** Mean nats a token on the validation set. */
  readonly loss: number;
  readonly seconds: number;
}
/** Means over the rows of one kind in a look on the way, in nats a token. */
export interface Look {
  readonly kind: RowKind;
  readonly rows: number;
  readonly all: LookMeans;
  readonly ranges: readonly (LookMeans & { readonly range: PositionRange })[];
  /** In the residual's units, by norm module and position class; a class never seen is absent. */
  readonly stds: StdsSeen;
}
/** Means over rows, in nats a token. */
export interface LookMeans {
  readonly loss: number;
  /** KL(original ‖ model). */
  readonly kl?: number;
}
/** A look at a few rows of the validation set in the middle of a training. */
export interface LookEvent {
  readonly type: "look";
  readonly phase: Phase;
  /** Updates done in this phase. */
  readonly step: number;
  /** None where the model made something that is no number. */
  readonly kinds: readonly Look[];
  /** What that was, and where. */
  readonly failed?: string;
  readonly seconds: number;
}
/** The control is trained and validated; a distilled run has no such event. */
export interface ControlEvent {
  readonly type: "control";
  /** With the norms that the run found. */
  readonly model: HostModel<WeightsInMemory>;
  /** Nats a token. */
  readonly validation: Readonly<Record<"original" | "control", number>>;
}
/** The std at every norm on validation text. */
export interface StdEvent {
  readonly type: "stds";
  readonly model: "original" | "frozen";
  readonly stds: StdByModule;
}
/** How large the first position is, on rows of the training text: in the original, before the first update, and in what came out. */
export interface FirstPositionEvent {
  readonly type: "first-position";
  readonly model: "original" | "frozen";
  /** Mean std of first positions over that of ordinary tokens: the median over the norm modules of the middle layers. */
  readonly ratio: number;
  /** By norm module. */
  readonly ratios: Readonly<Record<string, number>>;
  /** Attention to it, by layer. */
  readonly attention: readonly LayerAttention[];
  /** It is so large that attention will use it as a sink, as in GPT-2. */
  readonly sink: boolean;
  /** Of the original, where the recipe does badly on such a model: how, and which to take. */
  readonly fails?: FailsOnSink;
}
/** What a model writes after a prompt. */
export interface SampleEvent {
  readonly type: "sample";
  readonly model: "original" | "folded";
  readonly prompt: string;
  readonly text: string;
}
/** How far the folded model is from the frozen one. */
export interface FoldEvent {
  readonly type: "fold";
  /** max |folded − frozen| / max |frozen| over the logits of one validation batch. */
  readonly relativeDifference: number;
}
/** Everything to go on from here, to be kept by whoever wants that. */
export interface CheckpointEvent {
  readonly type: "checkpoint";
  readonly state: RunState;
  /** Why: on schedule, or because the run was asked to stop and ends here. */
  readonly reason: "schedule" | "stop";
}
/** Cross-entropy on the validation set, nats a token; no control's in a distilled run. */
export type ValidationLosses = Readonly<Record<Exclude<Contender, "control">, number>> & {
  readonly control?: number | undefined;
};
/** What a run came to. */
export interface Summary {
  /** Nats a token. */
  readonly validation: ValidationLosses;
  /** The same by row kind and position, with intervals. */
  readonly validated: Readonly<Partial<Record<Contender, Validated | undefined>>>;
  /** Wall time of this process. */
  readonly seconds: number;
  /** Tokens trained on, all phases. */
  readonly tokens: number;
  /** Tokens looked at besides, to measure what removals cost; a taper looks at none. */
  readonly probedTokens: number;
  /** The most that tensors took at once. */
  readonly peakBytes: number;
  readonly backend: string;
}
/** The end, with the models. */
export interface DoneEvent {
  readonly type: "done";
  readonly summary: Summary;
  /** Every norm that went frozen at one constant; gamma, beta and centring still apart. */
  readonly frozen: HostModel<WeightsInMemory>;
  /** The same folded into the weights: where no LayerNorm stays, plain weights, an untied head with a bias. */
  readonly folded: HostModel<WeightsInMemory>;
}

/** Anything that a run tells. */
export type RunEvent =
  | PlanEvent
  | StepEvent
  | RemovalEvent
  | ChangeEvent
  | ProgressEvent
  | EvalEvent
  | LookEvent
  | ControlEvent
  | StdEvent
  | FirstPositionEvent
  | SampleEvent
  | FoldEvent
  | CheckpointEvent
  | DoneEvent;
