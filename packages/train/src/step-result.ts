/** What an update tells the host, and how it gets there: several updates are read from the device with one wait. */
import type { Backend, Tensor, TensorData } from "@normless/tensor";

/** What an update told. */
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
  /** Of each micro-batch, by norm module, what `measure` made there. */
  readonly measured: readonly Readonly<Record<string, readonly TensorData[]>>[];
}

/** What a micro-batch measured, by norm module, still on the device. */
export type Measured = Readonly<Record<string, readonly Tensor[]>>;

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
  const next = () => values.next().value ?? new Float32Array();
  return updates.map((update) => resultOf(update, next));
}

/** Frees what an update holds whose results nobody wants. */
export function freeUpdate(update: PendingUpdate): void {
  for (const tensor of tensorsOf(update)) tensor.free();
}

/** In the order in which resultOf takes their values. */
function tensorsOf({ loss, auxiliary, normSquared, measured }: PendingUpdate): Tensor[] {
  return [
    loss,
    ...(auxiliary ? [auxiliary] : []),
    normSquared,
    ...measured.flatMap((microBatch) => Object.values(microBatch).flat()),
  ];
}

function resultOf(
  { step, learningRate, auxiliary: added, measured }: PendingUpdate,
  next: () => TensorData,
): StepResult {
  const loss = next()[0];
  const auxiliary = added && next()[0];
  const gradNorm = Math.sqrt(next()[0]);
  const read = measured.map((microBatch) => {
    const entries = Object.entries(microBatch).map(
      ([module, tensors]) => [module, tensors.map(next)] as const,
    );
    return Object.fromEntries(entries);
  });
  return {
    ...{ step, loss, ...(auxiliary !== undefined && { auxiliary }) },
    ...{ gradNorm, learningRate, measured: read },
  };
}
