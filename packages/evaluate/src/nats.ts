/** What the targets of a batch cost a model, and the error where that is no number. */
import { evaluate, sum, type Variable } from "@normless/autograd";
import {
  checkFinite,
  freeTokens,
  type Model,
  NotFiniteError,
  OVERFLOW_ADVICE,
  tokenLosses,
  uploadTargets,
  uploadTokens,
} from "@normless/gpt2";
import type { TensorData } from "@normless/tensor";
import type { Batch } from "@normless/text";

/** Nats of each target of a batch, (B·T). */
export function tokenNats(model: Model, batch: Batch): Promise<TensorData> {
  return readNats(model, batch, (losses) => losses);
}

/** Nats of a batch's targets, summed; what is no number where one of them is none. */
export async function batchNats(model: Model, batch: Batch): Promise<number> {
  const [total] = await readNats(model, batch, sum);
  return total;
}

async function readNats(
  { config, norms, params }: Model,
  batch: Batch,
  of: (losses: Variable) => Variable,
): Promise<TensorData> {
  const { backend } = params["wte.weight"];
  const ids = uploadTokens(backend, config, batch);
  const targets = uploadTargets(backend, config, batch.targets, batch.T);
  const nats = evaluate(
    (variables) => of(tokenLosses({ config, params: variables, norms }, ids, targets)),
    params,
  );
  const values = await nats.read();
  nats.free();
  targets.free();
  freeTokens(ids);
  return values;
}

/** What an error about nats that are no number says of where they are. */
export interface NatsText {
  /** The number of the batch's first sequence, from 0. */
  readonly sequence: number;
  /** Default: the weights are numbers. */
  readonly advice?: string | undefined;
}

/** @throws NotFiniteError naming the first target of a batch, (B·T), whose nats are no number. */
export function checkNats(
  nats: ArrayLike<number>,
  { T }: Pick<Batch, "T">,
  { sequence, advice = OVERFLOW_ADVICE }: NatsText,
): void {
  const place = (at: number) =>
    `position ${at % T} of sequence ${sequence + Math.floor(at / T)}, both counted from 0`;
  checkFinite(nats, { what: "the loss, target by target,", place, advice });
}

/**
 * The same for their sum: only where it is no number are they looked at one by one.
 * @throws NotFiniteError naming the first of them, or the sum
 */
export async function checkBatchNats(
  total: number,
  model: Model,
  batch: Batch,
  text: NatsText,
): Promise<void> {
  if (Number.isFinite(total)) return;
  checkNats(await tokenNats(model, batch), batch, text);
  const { advice = OVERFLOW_ADVICE } = text;
  throw new NotFiniteError(`the losses of a batch add up to ${total}; ${advice}`);
}
