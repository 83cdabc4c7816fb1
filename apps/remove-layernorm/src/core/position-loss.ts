/** A model's loss, and its KL from a reference, by row kind and position: sums of each row, which intervals are made from. */
import {
  checkFinite,
  freeTokens,
  headOf,
  type Model,
  OVERFLOW_ADVICE,
  uploadTargets,
  uploadTokens,
} from "@normless/gpt2";
import type { Tensor, TensorData } from "@normless/tensor";
import type { Groups } from "./statistics.js";
import {
  type KindRows,
  type NotMeasured,
  positionRanges,
  type PositionRange,
  type RowBatch,
  rowBatches,
  type RowKind,
  rowKindNames,
  type RowSet,
} from "./row-kinds.js";

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

export interface KindSums {
  readonly kind: RowKind;
  readonly rows: number;
  readonly available: number;
  readonly ranges: readonly RangeSums[];
  readonly positions: ByPosition;
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
  /** Targets of this id do not count. */
  readonly leaveOut?: number | undefined;
  /** What to do about a loss that is no number. Default: the weights are numbers. */
  readonly advice?: string | undefined;
}

/**
 * Runs the model over all rows; yields the targets done so far, batch by batch. Logits are never kept: of a batch there
 * are its activations and two numbers a token.
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
    const meter = new RowMeter(rows, blockSize, options);
    for (const batch of rowBatches(rows, batchSize)) {
      meter.add(batch, await batchLosses(model, batch, reference));
      done += batch.lengths.reduce((a, b) => a + b, 0);
      yield done;
    }
    const { sums, missing } = meter.result();
    found.push(sums);
    absent.push(...missing);
  }
  return { kinds: found, notMeasured: absent };
}

interface BatchLosses {
  /** Nats of each target, (B·T), those that fill up included. */
  readonly loss: TensorData;
  readonly kl?: TensorData | undefined;
}

async function batchLosses(
  model: Model,
  batch: RowBatch,
  reference: Model | undefined,
): Promise<BatchLosses> {
  const { config, params } = model;
  const { backend } = params["wte.weight"];
  const readHead = (of: Model) => {
    const tokens = uploadTokens(backend, of.config, batch);
    const { x, w, bias } = headOf(of, tokens);
    freeTokens(tokens);
    return { x, w, ...(bias && { bias }) };
  };
  const own = readHead(model);
  const targets = uploadTargets(backend, config, batch.targets, batch.T);
  const wanted: Tensor[] = [backend.run("linearCrossEntropy", { ...own, targets }, {}).loss];
  targets.free();
  if (reference) {
    const { x, w, bias } = readHead(reference);
    const teacher = { teacherX: x, teacherW: w, ...(bias && { teacherBias: bias }) };
    wanted.push(backend.run("linearKlDivergence", { ...own, ...teacher }, {}).loss);
    x.free();
  }
  own.x.free();
  const [loss, kl] = await backend.readMany(wanted);
  for (const tensor of wanted) tensor.free();
  return { loss, kl };
}

/** Collects the losses of one kind's rows. */
class RowMeter {
  readonly #ranges: readonly PositionRange[];
  /** By range and row. */
  readonly #counts: readonly Float64Array[];
  readonly #loss: readonly Float64Array[];
  readonly #kl: readonly Float64Array[];
  /** By position. */
  readonly #positions: {
    readonly counts: Float64Array;
    readonly loss: Float64Array;
    readonly kl: Float64Array;
  };

  constructor(
    readonly rows: KindRows,
    blockSize: number,
    readonly options: PositionOptions,
  ) {
    this.#ranges = positionRanges(blockSize);
    const each = () => this.#ranges.map(() => new Float64Array(rows.rows.length));
    [this.#counts, this.#loss, this.#kl] = [each(), each(), each()];
    const zeros = () => new Float64Array(blockSize);
    this.#positions = { counts: zeros(), loss: zeros(), kl: zeros() };
  }

  add({ T, rows, lengths, targets }: RowBatch, { loss, kl }: BatchLosses): void {
    const { advice = OVERFLOW_ADVICE, leaveOut } = this.options;
    const { kind } = this.rows;
    const check = (values: TensorData, what: string) => {
      const place = (at: number) =>
        `position ${at % T} of row ${rows[Math.floor(at / T)]} (${rowKindNames[kind]}), both counted from 0`;
      checkFinite(values, { what, place, advice });
    };
    check(loss, "the loss, target by target,");
    if (kl) check(kl, "the KL from the reference, position by position,");
    const at = this.#positions;
    lengths.forEach((length, row) => {
      this.#ranges.forEach(({ begin, end }, range) => {
        for (let t = begin; t < Math.min(end, length); t++) {
          const i = row * T + t;
          if (targets[i] === leaveOut) continue;
          // What is 0 or more by its definition may come out some 1e-7 below.
          const divergence = kl ? Math.max(0, kl[i]) : 0;
          this.#counts[range][rows[row]] += 1;
          this.#loss[range][rows[row]] += loss[i];
          this.#kl[range][rows[row]] += divergence;
          at.counts[t] += 1;
          at.loss[t] += loss[i];
          at.kl[t] += divergence;
        }
      });
    });
  }

  result(): { readonly sums: KindSums; readonly missing: readonly NotMeasured[] } {
    const { kind, rows, available } = this.rows;
    const hasKl = this.options.reference !== undefined;
    const longest = Math.max(...rows.map(({ length }) => length));
    const { counts, loss, kl } = this.#positions;
    const ranges = this.#ranges.map((range, i): RangeSums => {
      const counts = [...this.#counts[i]];
      const groups = (sums: Float64Array): RowSums => ({ sums: [...sums], counts });
      return { range, loss: groups(this.#loss[i]), ...(hasKl && { kl: groups(this.#kl[i]) }) };
    });
    const empty = (_: unknown, i: number) => this.#counts[i].every((count) => count === 0);
    return {
      sums: {
        ...{ kind, rows: rows.length, available },
        ranges: ranges.filter((range, i) => !empty(range, i)),
        positions: { counts: [...counts], loss: [...loss], ...(hasKl && { kl: [...kl] }) },
      },
      missing: this.#ranges.filter(empty).map((range) => ({
        kind,
        range,
        why:
          longest <= range.begin
            ? `the longest row has ${longest} tokens`
            : "all its targets are end-of-text, and those are left out",
      })),
    };
  }
}
