/** Collects what the batches of one kind of rows came to: sums by row and range, by position, and of stds by class. */
import { checkFinite, OVERFLOW_ADVICE } from "@normless/gpt2";
import { positionClasses } from "@normless/layernorm";
import { POSITION_CLASSES, type PositionClass, type TensorData } from "@normless/tensor";
import type { BatchRead, KindSums, PositionOptions, RangeSums, RowSums, StdsSeen } from "./position-sums.js";
import {
  type KindRows,
  type NotMeasured,
  positionRanges,
  type PositionRange,
  type RowBatch,
  rowKindNames,
} from "./row-kinds.js";

/** What a meter must know of the model. */
export interface RowMeterOptions extends PositionOptions {
  /** The model's end-of-text, which is a class of its own. */
  readonly eot: number | undefined;
}

/** Sums of one kind of rows, to which batches are added one after the other. */
export class RowMeter {
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
  readonly #stds = new StdMeter();

  constructor(
    readonly rows: KindRows,
    blockSize: number,
    readonly options: RowMeterOptions,
  ) {
    this.#ranges = positionRanges(blockSize);
    const each = () => this.#ranges.map(() => new Float64Array(rows.rows.length));
    [this.#counts, this.#loss, this.#kl] = [each(), each(), each()];
    const zeros = () => new Float64Array(blockSize);
    this.#positions = { counts: zeros(), loss: zeros(), kl: zeros() };
  }

  /** @throws NotFiniteError naming what is no number, and where */
  add(batch: RowBatch, read: BatchRead): void {
    this.#check(batch, read);
    this.#stds.add(batch, read.stds, this.options.eot);
    const { T, rows, lengths, targets } = batch;
    const { loss, kl } = read;
    const at = this.#positions;
    lengths.forEach((length, row) => {
      this.#ranges.forEach(({ begin, end }, range) => {
        for (let t = begin; t < Math.min(end, length); t++) {
          const i = row * T + t;
          if (targets[i] === this.options.leaveOut) continue;
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

  #check({ T, rows }: RowBatch, { loss, kl, stds }: BatchRead): void {
    const { advice = OVERFLOW_ADVICE } = this.options;
    const { kind } = this.rows;
    const check = (values: TensorData, what: string) => {
      const place = (at: number) =>
        `position ${at % T} of row ${rows[Math.floor(at / T)]} (${rowKindNames[kind]}), both counted from 0`;
      checkFinite(values, { what, place, advice });
    };
    check(loss, "the loss, target by target,");
    if (kl) check(kl, "the KL from the reference, position by position,");
    for (const [module, values] of Object.entries(stds)) check(values, `the std at ${module}`);
  }

  sums(): KindSums {
    const { kind, rows, available } = this.rows;
    const hasKl = this.options.reference !== undefined;
    const { counts, loss, kl } = this.#positions;
    const ranges = this.#ranges.map((range, i): RangeSums => {
      const own = [...this.#counts[i]];
      const groups = (sums: Float64Array): RowSums => ({ sums: [...sums], counts: own });
      return { range, loss: groups(this.#loss[i]), ...(hasKl && { kl: groups(this.#kl[i]) }) };
    });
    return {
      ...{ kind, rows: rows.length, available },
      ranges: ranges.filter((_, i) => !this.#isEmpty(i)),
      positions: { counts: [...counts], loss: [...loss], ...(hasKl && { kl: [...kl] }) },
      ...(this.options.stds && { stds: this.#stds.means() }),
    };
  }

  /** The ranges that no target was in. */
  missing(): NotMeasured[] {
    const { kind, rows } = this.rows;
    const longest = Math.max(...rows.map(({ length }) => length));
    const short = `the longest row has ${longest} tokens`;
    const leftOut = "all its targets are end-of-text, and those are left out";
    return this.#ranges
      .filter((_, i) => this.#isEmpty(i))
      .map((range) => ({ kind, range, why: longest <= range.begin ? short : leftOut }));
  }

  #isEmpty(range: number): boolean {
    return this.#counts[range].every((count) => count === 0);
  }
}

class StdMeter {
  readonly #modules: Record<string, Record<PositionClass, { sum: number; count: number }>> = {};

  add({ B, T, inputs, lengths }: RowBatch, stds: BatchRead["stds"], eot: number | undefined): void {
    if (Object.keys(stds).length === 0) return;
    const classes = positionClasses(inputs, { B, T, eot });
    const none = () => ({ sum: 0, count: 0 });
    for (const [module, values] of Object.entries(stds)) {
      const sums = (this.#modules[module] ??= { first: none(), eot: none(), rest: none() });
      lengths.forEach((length, row) => {
        for (let i = row * T; i < row * T + length; i++) {
          const of = sums[POSITION_CLASSES[classes[i]]];
          of.sum += values[i];
          of.count += 1;
        }
      });
    }
  }

  means(): StdsSeen {
    const means = Object.entries(this.#modules).map(([module, sums]) => {
      const seen = POSITION_CLASSES.filter((name) => sums[name].count > 0);
      const mean = seen.map((name) => [name, sums[name].sum / sums[name].count] as const);
      return [module, Object.fromEntries(mean)] as const;
    });
    return Object.fromEntries(means);
  }
}
