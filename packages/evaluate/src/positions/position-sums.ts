/** What a model comes to by row kind and position, before any mean is taken: data that a checkpoint can hold. */
import type { Model } from "@normless/gpt2";
import type { PositionClass, TensorData } from "@normless/tensor";
import type { NotMeasured, PositionRange, RowKind } from "./row-kinds.js";
import type { Groups } from "@normless/statistics";

/** Row by row; plain data, for a checkpoint to hold. */
export interface RowSums extends Groups {
  readonly sums: readonly number[];
  readonly counts: readonly number[];
}

/** Nats and how many, row by row, in one range. */
export interface RangeSums {
  readonly range: PositionRange;
  readonly loss: RowSums;
  /** KL(reference ‖ model); absent where there is no reference. */
  readonly kl?: RowSums | undefined;
}

/** Sums over all rows, position by position. */
export interface ByPosition {
  readonly counts: readonly number[];
  readonly loss: readonly number[];
  readonly kl?: readonly number[] | undefined;
}

/** Mean std of the residual that each norm module reads, in the residual's units; a class never seen is absent. */
export type StdsSeen = Readonly<Record<string, Readonly<Partial<Record<PositionClass, number>>>>>;

/** What all rows that start alike came to. */
export interface KindSums {
  readonly kind: RowKind;
  readonly rows: number;
  readonly available: number;
  readonly ranges: readonly RangeSums[];
  readonly positions: ByPosition;
  /** Where asked for. */
  readonly stds?: StdsSeen | undefined;
}

/** What a model came to on all kinds of rows. */
export interface PositionSums {
  readonly kinds: readonly KindSums[];
  /** What the rows do not have. */
  readonly notMeasured: readonly NotMeasured[];
}

/** How `measurePositions` runs a model, and what it measures besides the loss. */
export interface PositionOptions {
  /** Rows at once. */
  readonly batchSize: number;
  /** Whose predictions the model's are held against: of the same vocabulary, on the same backend. */
  readonly reference?: Model | undefined;
  /** Whether stds are measured, too; by default not. */
  readonly stds?: boolean | undefined;
  /** Targets of this id do not count. */
  readonly leaveOut?: number | undefined;
  /** What to do about a loss that is no number. Default: the weights are numbers. */
  readonly advice?: string | undefined;
}

/** What a batch came to, token by token, (B·T): what fills up included. */
export interface BatchRead {
  /** Nats of each target. */
  readonly loss: TensorData;
  readonly kl?: TensorData | undefined;
  /** By module; none unless asked for. */
  readonly stds: Readonly<Record<string, TensorData>>;
}
