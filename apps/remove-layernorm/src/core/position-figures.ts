/** What sums by row kind and position come to: means with intervals over rows, and differences to the first model. */
import type { ByPosition, KindSums, PositionSums, RangeSums } from "./position-loss.js";
import type { NotMeasured, PositionRange, RowKind } from "./row-kinds.js";
import { Bootstrap, type BootstrapOptions, type Estimate, type Groups } from "./statistics.js";

/** Nats a token. */
export interface CellFigures {
  readonly loss: Estimate;
  /** Loss minus the first model's on the same targets; absent of the first itself. */
  readonly toFirst?: Estimate | undefined;
  /** KL(reference ‖ model), where there was a reference. */
  readonly kl?: Estimate | undefined;
}

export interface RangeFigures extends CellFigures {
  readonly range: PositionRange;
}

export interface KindFigures {
  readonly kind: RowKind;
  /** Rows that were looked at, of so many that the text has. */
  readonly rows: number;
  readonly available: number;
  /** Over all positions. */
  readonly all: CellFigures;
  readonly ranges: readonly RangeFigures[];
  readonly positions: ByPosition;
}

export interface PositionFigures {
  readonly kinds: readonly KindFigures[];
  readonly notMeasured: readonly NotMeasured[];
}

/** The figures of each of several models, all measured on the same rows: differences are paired. */
export function positionFigures(
  models: readonly PositionSums[],
  options: BootstrapOptions = {},
): PositionFigures[] {
  const [first] = models;
  const cells = first.kinds.map((_, k) => {
    const all = models.map(({ kinds }) => wholeOf(kinds[k]));
    const ranges = first.kinds[k].ranges.map((_, r) => models.map(({ kinds }) => kinds[k].ranges[r]));
    return { all: cellFigures(all, options), ranges: ranges.map((range) => cellFigures(range, options)) };
  });
  return models.map(({ kinds, notMeasured }, m) => ({
    kinds: kinds.map(({ kind, rows, available, ranges, positions }, k) => ({
      ...{ kind, rows, available },
      all: cells[k].all[m],
      ranges: ranges.map(({ range }, r) => ({ range, ...cells[k].ranges[r][m] })),
      positions,
    })),
    notMeasured,
  }));
}

/** Rows that have nothing there are not drawn: a resample of them alone would have no mean. */
function cellFigures(
  models: readonly Pick<RangeSums, "loss" | "kl">[],
  options: BootstrapOptions,
): CellFigures[] {
  const withKl = models.flatMap(({ kl }, m) => (kl ? [{ m, kl }] : []));
  const bootstrap = new Bootstrap(
    [...models.map(({ loss }) => loss), ...withKl.map(({ kl }) => kl)],
    options,
  );
  return models.map((_, m) => {
    const column = withKl.findIndex((one) => one.m === m);
    return {
      loss: bootstrap.estimate((means) => means[m]),
      ...(m > 0 && { toFirst: bootstrap.estimate((means) => means[m] - means[0]) }),
      ...(column >= 0 && { kl: bootstrap.estimate((means) => means[models.length + column]) }),
    };
  });
}

/** Nats and targets of all positions, row by row. */
export function wholeOf({ ranges }: Pick<KindSums, "ranges">): Pick<RangeSums, "loss" | "kl"> {
  const kl = ranges.flatMap((range) => (range.kl ? [range.kl] : []));
  return {
    loss: added(ranges.map(({ loss }) => loss)),
    ...(kl.length > 0 && { kl: added(kl) }),
  };
}

function added(parts: readonly Groups[]): Groups {
  const rows = parts.at(0)?.sums.length ?? 0;
  const total = (of: (part: Groups) => ArrayLike<number>) =>
    Float64Array.from({ length: rows }, (_, row) => parts.reduce((sum, part) => sum + of(part)[row], 0));
  return { sums: total(({ sums }) => sums), counts: total(({ counts }) => counts) };
}
