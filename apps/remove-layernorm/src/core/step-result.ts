/** What an update tells the host, and how it gets there: several updates are read from the device with one wait. */
import { type BatchStd, batchStd, type MeasuredStd, type MeasuredTaper } from "@normless/layernorm";
import type { Backend, Tensor, TensorData } from "@normless/tensor";

/** What calibrates a taper at a norm module, summed over an update's tokens (see measureTaper). */
export interface TaperSums {
  readonly numerator: number;
  readonly denominator: number;
}

export interface StepResult {
  /** Updates done, this one included. */
  readonly step: number;
  /** Mean loss of the batch before the update, in nats a token: its cross-entropy, or the KL to a teacher. */
  readonly loss: number;
  /** What the auxiliary loss added to it, λ included; undefined where it was left out. */
  readonly auxiliary?: number | undefined;
  /** Global norm of the gradient before clipping. */
  readonly gradNorm: number;
  readonly learningRate: number;
  /** Of each micro-batch, by norm module; empty unless measured. */
  readonly stds: readonly Readonly<Record<string, BatchStd>>[];
  /** By norm module; empty unless measured. */
  readonly taper: Readonly<Record<string, TaperSums>>;
}

/** What a micro-batch measured, still on the device. */
export interface Measured {
  readonly stds: Record<string, MeasuredStd>;
  readonly taper: Record<string, MeasuredTaper>;
}

/** An update whose results nobody has read yet. */
export interface PendingUpdate extends Pick<StepResult, "step" | "learningRate"> {
  /** Scalars: the loss, the auxiliary loss, and the square of `gradNorm`. */
  readonly loss: Tensor;
  readonly auxiliary?: Tensor | undefined;
  readonly normSquared: Tensor;
  /** Of each micro-batch. */
  readonly measured: readonly Measured[];
}

/** Reads the updates with one wait, and frees what they hold. */
export async function readUpdates(
  backend: Backend,
  updates: readonly PendingUpdate[],
): Promise<StepResult[]> {
  const values = (await backend.readMany(updates.flatMap(tensorsOf))).values();
  updates.forEach(freeUpdate);
  const next = () => values.next().value ?? [];
  return updates.map((update) => resultOf(update, next));
}

export function freeUpdate(update: PendingUpdate): void {
  for (const tensor of tensorsOf(update)) tensor.free();
}

/** In the order in which resultOf takes their values. */
function tensorsOf({ loss, auxiliary, normSquared, measured }: PendingUpdate): Tensor[] {
  const stds = measured.flatMap(({ stds }) => Object.values(stds));
  const tapers = measured.flatMap(({ taper }) => Object.values(taper));
  return [
    loss,
    ...(auxiliary ? [auxiliary] : []),
    normSquared,
    ...stds.flatMap(({ mean, count }) => [mean, count]),
    ...tapers.flatMap(({ numerator, denominator }) => [numerator, denominator]),
  ];
}

function resultOf(
  { step, learningRate, auxiliary: added, measured }: PendingUpdate,
  next: () => TensorData | readonly number[],
): StepResult {
  const loss = next()[0];
  const auxiliary = added && next()[0];
  const gradNorm = Math.sqrt(next()[0]);
  const stds = measured.map((microBatch) => {
    const entries = Object.keys(microBatch.stds).map((module) => [module, batchStd(next(), next())] as const);
    return Object.fromEntries(entries);
  });
  const taper: Record<string, TaperSums> = {};
  for (const module of measured.flatMap((microBatch) => Object.keys(microBatch.taper))) {
    const before = taper[module] ?? { numerator: 0, denominator: 0 };
    taper[module] = {
      numerator: before.numerator + next()[0],
      denominator: before.denominator + next()[0],
    };
  }
  return { step, loss, ...(auxiliary !== undefined && { auxiliary }), gradNorm, learningRate, stds, taper };
}
