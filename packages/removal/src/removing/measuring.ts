/** What a removal measures in an update, at every norm module: stds by position class, and what calibrates a taper. */
import { type BatchStd, batchStd, measureStd, measureTaper } from "@normless/layernorm";
import type { Tensor } from "@normless/tensor";
import type { Passing, StepResult } from "@normless/train";

/** Sums over an update's tokens that calibrate a taper at a norm module (see measureTaper). */
export interface TaperSums {
  readonly numerator: number;
  readonly denominator: number;
}

/** The stds of each micro-batch, by norm module. */
export type BatchStds = readonly Readonly<Record<string, BatchStd>>[];

type Results = Pick<StepResult, "measured">;

/** For an update's `measure`. */
export function measureStds(_module: string, { x, classes, config }: Passing): readonly Tensor[] {
  const { mean, count } = measureStd(x, classes, config.eps);
  return [mean, count];
}

/** The same, and what calibrates a taper. A norm that was folded before has no gamma, and does not taper. */
export function measureForTaper(module: string, passing: Passing): readonly Tensor[] {
  const { x, classes, config, params } = passing;
  const stds = measureStds(module, passing);
  const gamma = params[`${module}.weight`] as Tensor | undefined;
  if (!gamma) return stds;
  const { numerator, denominator } = measureTaper(x, { gamma, classes, eps: config.eps });
  return [...stds, numerator, denominator];
}

/** What `measureStds` or `measureForTaper` measured; empty where neither did. */
export function stdsOf({ measured }: Results): BatchStds {
  return measured.map((microBatch) => {
    const entries = Object.entries(microBatch).map(
      ([module, [mean, count]]) => [module, batchStd(mean, count)] as const,
    );
    return Object.fromEntries(entries);
  });
}

/** What `measureForTaper` measured of an update, by norm module; empty where it did not. */
export function taperSumsOf({ measured }: Results): Readonly<Record<string, TaperSums>> {
  const sums: Record<string, TaperSums> = {};
  for (const [module, values] of measured.flatMap((microBatch) => Object.entries(microBatch))) {
    if (values.length < 4) continue;
    const before = sums[module] ?? { numerator: 0, denominator: 0 };
    sums[module] = {
      numerator: before.numerator + values[2][0],
      denominator: before.denominator + values[3][0],
    };
  }
  return sums;
}
