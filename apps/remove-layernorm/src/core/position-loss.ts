/** A model's loss, and its KL from a reference, by row kind and position: sums of each row, which intervals are made from. */
import {
  type ForwardOptions,
  freeTokens,
  headOf,
  type Model,
  uploadTargets,
  uploadTokens,
} from "@normless/gpt2";
import type { PositionClass, Tensor, TensorData } from "@normless/tensor";
import {
  type NotMeasured,
  type PositionRange,
  type RowBatch,
  rowBatches,
  type RowKind,
  type RowSet,
} from "./row-kinds.js";
import { RowMeter } from "./row-meter.js";
import type { Groups } from "./statistics.js";

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

export interface KindSums {
  readonly kind: RowKind;
  readonly rows: number;
  readonly available: number;
  readonly ranges: readonly RangeSums[];
  readonly positions: ByPosition;
  /** Where asked for. */
  readonly stds?: StdsSeen | undefined;
}

export interface PositionSums {
  readonly kinds: readonly KindSums[];
  /** What the rows do not have. */
  readonly notMeasured: readonly NotMeasured[];
}

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

/**
 * Runs the model over all rows; yields the targets done so far, batch by batch. Logits are never kept: of a batch there
 * are its activations and a few numbers a token.
 * @throws RangeError when the reference has another vocabulary; NotFiniteError naming kind, row and position of the first
 * target whose nats are no number
 */
export async function* measurePositions(
  model: Model,
  { kinds, blockSize, notMeasured }: RowSet,
  options: PositionOptions,
): AsyncGenerator<number, PositionSums> {
  const { reference, batchSize } = options;
  if (reference && reference.config.vocabSize !== model.config.vocabSize) {
    throw new RangeError(
      `measurePositions: the model has ${model.config.vocabSize} logits and the reference ${reference.config.vocabSize}; their predictions cannot be compared`,
    );
  }
  let done = 0;
  const found: KindSums[] = [];
  const absent: NotMeasured[] = [...notMeasured];
  for (const rows of kinds) {
    const meter = new RowMeter(rows, blockSize, { ...options, eot: model.config.eot });
    for (const batch of rowBatches(rows, batchSize)) {
      meter.add(batch, await readBatch(model, batch, options));
      done += batch.lengths.reduce((a, b) => a + b, 0);
      yield done;
    }
    found.push(meter.sums());
    absent.push(...meter.missing());
  }
  return { kinds: found, notMeasured: absent };
}

/** What a batch came to, token by token, (B·T): what fills up included. */
export interface BatchRead {
  /** Nats of each target. */
  readonly loss: TensorData;
  readonly kl?: TensorData | undefined;
  /** By module; none unless asked for. */
  readonly stds: Readonly<Record<string, TensorData>>;
}

async function readBatch(
  model: Model,
  batch: RowBatch,
  { reference, stds }: PositionOptions,
): Promise<BatchRead> {
  const { config, params } = model;
  const { backend } = params["wte.weight"];
  const readHead = (of: Model, observe?: ForwardOptions["observe"]) => {
    const tokens = uploadTokens(backend, of.config, batch);
    const { x, w, bias } = headOf(of, tokens, { observe });
    freeTokens(tokens);
    return { x, w, ...(bias && { bias }) };
  };
  const seen: [module: string, std: Tensor][] = [];
  const measure: ForwardOptions["observe"] = (module, { tensor: x }) => {
    seen.push([module, backend.run("rowStd", { x }, { eps: config.eps }).std]);
  };
  const own = readHead(model, stds ? measure : undefined);
  const targets = uploadTargets(backend, config, batch.targets, batch.T);
  const wanted = [
    ...seen.map(([, std]) => std),
    backend.run("linearCrossEntropy", { ...own, targets }, {}).loss,
  ];
  targets.free();
  if (reference) {
    const { x, w, bias } = readHead(reference);
    const teacher = { teacherX: x, teacherW: w, ...(bias && { teacherBias: bias }) };
    wanted.push(backend.run("linearKlDivergence", { ...own, ...teacher }, {}).loss);
    x.free();
  }
  own.x.free();
  const values = await backend.readMany(wanted);
  for (const tensor of wanted) tensor.free();
  const [loss, kl] = values.slice(seen.length);
  return { loss, kl, stds: Object.fromEntries(seen.map(([module], i) => [module, values[i]])) };
}
