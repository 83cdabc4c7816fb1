/**
 * The std that a frozen norm will divide by: measured on the device, averaged as plain data, then frozen. The average
 * is a value, so that a checkpoint is its JSON; nothing here updates anything in place.
 * Source: Baroni et al. 2025 (arXiv 2507.02559) eq. 2 and section 3 (mean of the per-token stds, moving mean over
 * batches), here kept apart by position class and started from the first batch.
 */
import { type PerClass, POSITION_CLASSES, type PositionClass, type Tensor } from "@normless/tensor";

/** Tensors of shape (3), in the order of POSITION_CLASSES: mean std and number of tokens of each position class. */
export interface MeasuredStd {
  /** 0 for a class that the batch does not have. */
  readonly mean: Tensor;
  readonly count: Tensor;
}

/** The same as numbers. */
export interface BatchStd {
  readonly mean: PerClass;
  readonly count: PerClass;
}

/** The moving mean of each class seen so far; a class never seen is absent. Plain JSON data. */
export type StdAverage = { readonly [C in PositionClass]?: number };

/**
 * x (...,C), classes int32 (...) → mean of sqrt(biased variance + eps) by class, on the device. Both tensors are the
 * caller's to free.
 */
export function measureStd(x: Tensor, classes: Tensor, eps = 1e-5): MeasuredStd {
  const { std } = x.backend.run("rowStd", { x }, { eps });
  const measured = x.backend.run("classMean", { values: std, classes }, {});
  std.free();
  return measured;
}

/** Reads both tensors; they stay the caller's. */
export async function readStd(measured: MeasuredStd): Promise<BatchStd> {
  return (await readStds([measured]))[0];
}

/** readStd of several, in their order, with one wait for all. */
export async function readStds(measured: readonly MeasuredStd[]): Promise<BatchStd[]> {
  if (measured.length === 0) return [];
  const tensors = measured.flatMap(({ mean, count }) => [mean, count]);
  const values = await tensors[0].backend.readMany(tensors);
  return measured.map((_, i) => batchStd(values[2 * i], values[2 * i + 1]));
}

/** From the values of a MeasuredStd's two tensors, for who reads them along with others. */
export function batchStd(mean: ArrayLike<number>, count: ArrayLike<number>): BatchStd {
  return { mean: byClass(mean), count: byClass(count) };
}

function byClass(values: ArrayLike<number>): PerClass {
  return { first: values[0], eot: values[1], rest: values[2] };
}

/** The same tokens as one class, `rest`: for norms that take one constant for all positions from the start. */
export function pooled({ mean, count }: BatchStd): BatchStd {
  const total = POSITION_CLASSES.reduce((sum, name) => sum + count[name], 0);
  const sum = POSITION_CLASSES.reduce((sum, name) => sum + count[name] * mean[name], 0);
  return { mean: { first: 0, eot: 0, rest: sum / total }, count: { first: 0, eot: 0, rest: total } };
}

/**
 * The moving mean after one more batch: a class's first value as it is, later keep·old + (1−keep)·new; classes that
 * the batch does not have stay untouched. `keep` is the weight of the old value, in [0, 1).
 * @throws RangeError naming the class when its std is not positive and finite: the run has diverged.
 */
export function updateStdAverage(
  previous: StdAverage | undefined,
  { mean, count }: BatchStd,
  keep: number,
): StdAverage {
  if (!(keep >= 0 && keep < 1)) {
    throw new RangeError(`updateStdAverage: keep is ${keep}; the weight of the old value is in [0, 1)`);
  }
  const average: { [C in PositionClass]?: number } = { ...previous };
  for (const name of POSITION_CLASSES) {
    if (count[name] === 0) continue;
    if (!(mean[name] > 0 && Number.isFinite(mean[name]))) {
      throw new RangeError(
        `updateStdAverage: the mean std of class ${name} is ${mean[name]}; the activations have diverged`,
      );
    }
    const old = average[name];
    average[name] = old === undefined ? mean[name] : keep * old + (1 - keep) * mean[name];
  }
  return average;
}

/**
 * What to freeze: each class its average, a class never seen that of the rest.
 * @throws Error when no token of class rest was ever seen.
 */
export function frozenStd(average: StdAverage): PerClass {
  const { rest } = average;
  if (rest === undefined) {
    throw new Error(
      "frozenStd: no token of class rest was measured yet; measure at least one batch with T > 1",
    );
  }
  return { first: average.first ?? rest, eot: average.eot ?? rest, rest };
}
