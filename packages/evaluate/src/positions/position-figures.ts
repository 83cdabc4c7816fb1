/** What sums by row kind and position come to: means with intervals over rows, and differences to the first model. */
import type { ByPosition, KindSums, PositionSums, RangeSums, RowSums } from "./position-sums.js";
import type { NotMeasured, PositionRange, RowKind } from "./row-kinds.js";
import { Bootstrap, type BootstrapOptions, type Estimate, type Groups } from "@normless/statistics";

/** Nats a token. */
export interface CellFigures {
  readonly loss: Estimate;
  /** Loss minus the first model's on the same targets; absent of the first itself. */
  readonly toFirst?: Estimate | undefined;
  /** KL(reference ‖ model), where there was a reference. */
  readonly kl?: Estimate | undefined;
}

/** The figures of a range of positions. */
export interface RangeFigures extends CellFigures {
  readonly range: PositionRange;
}

/** The figures of all rows that start alike, nats a token. */
export interface KindFigures {
  readonly kind: RowKind;
  /** Rows that were looked at, of so many that the text has. */
  readonly rows: number;
  readonly available: number;
  /** Over all positions. */
  readonly all: CellFigures;
  readonly ranges: readonly RangeFigures[];
  readonly curve: readonly CurvePoint[];
}

/** Means over all rows at some positions, in nats a token. */
export interface CurvePoint {
  readonly range: PositionRange;
  readonly loss: number;
  readonly kl?: number | undefined;
}

/** A model's figures by row kind and position. */
export interface PositionFigures {
  readonly kinds: readonly KindFigures[];
  readonly notMeasured: readonly NotMeasured[];
}

/** The figures of each of several models, all measured on the same rows: differences are paired. */
export function positionFigures(
  models: readonly PositionSums[],
  options: BootstrapOptions = {},
): PositionFigures[] {
  const cells = models[0].kinds.map(({ ranges }, k) => {
    const all = models.map(({ kinds }) => wholeOf(kinds[k]));
    return cellsOf([all, ...ranges.map((_, r) => models.map(({ kinds }) => kinds[k].ranges[r]))], options);
  });
  return models.map(({ kinds, notMeasured }, m) => ({
    kinds: kinds.map(({ kind, rows, available, ranges, positions }, k) => ({
      ...{ kind, rows, available },
      all: cells[k][0][m],
      ranges: ranges.map(({ range }, r) => ({ range, ...cells[k][r + 1][m] })),
      curve: curveOf(positions),
    })),
    notMeasured,
  }));
}

/** What the models have in one range. */
type Cell = readonly Pick<RangeSums, "loss" | "kl">[];

/** The figures of each of several models in one place. */
export function cellFigures(models: Cell, options: BootstrapOptions): CellFigures[] {
  return cellsOf([models], options)[0];
}

/**
 * The figures of each cell, model by model. Rows without a target there are not drawn, since a resample of them alone would
 * have no mean; cells of the same rows share their draws, which are what costs.
 */
function cellsOf(cells: readonly Cell[], options: BootstrapOptions): CellFigures[][] {
  const shared = new Map<string, number[]>();
  for (const [i, [{ loss }]] of cells.entries()) {
    const rows = Array.from(loss.counts, (count) => Number(count > 0)).join("");
    shared.set(rows, [...(shared.get(rows) ?? []), i]);
  }
  const figures: CellFigures[][] = [];
  for (const together of shared.values()) {
    const columns: Groups[] = [];
    const column = (groups: Groups) => columns.push(groups) - 1;
    const places = together.map((i) =>
      cells[i].map(({ loss, kl }) => ({ loss: column(loss), kl: kl && column(kl) })),
    );
    const bootstrap = new Bootstrap(columns, options);
    together.forEach((i, at) => {
      const first = places[at][0].loss;
      figures[i] = places[at].map(({ loss, kl }, m) => ({
        loss: bootstrap.estimate((means) => means[loss]),
        ...(m > 0 && { toFirst: bootstrap.estimate((means) => means[loss] - means[first]) }),
        ...(kl !== undefined && { kl: bootstrap.estimate((means) => means[kl]) }),
      }));
    });
  }
  return figures;
}

/** Nats and targets of all positions, row by row. */
export function wholeOf({ ranges }: Pick<KindSums, "ranges">): Pick<RangeSums, "loss" | "kl"> {
  const kl = ranges.flatMap((range) => (range.kl ? [range.kl] : []));
  return {
    loss: added(ranges.map(({ loss }) => loss)),
    ...(kl.length > 0 && { kl: added(kl) }),
  };
}

function added(parts: readonly RowSums[]): RowSums {
  const rows = parts.at(0)?.sums.length ?? 0;
  const total = (of: (part: Groups) => ArrayLike<number>) =>
    Array.from({ length: rows }, (_, row) => parts.reduce((sum, part) => sum + of(part)[row], 0));
  return { sums: total(({ sums }) => sums), counts: total(({ counts }) => counts) };
}

/** Means over every position up to 7, and over four stretches to each doubling after that: enough to draw. */
export function curveOf({ counts, loss, kl }: ByPosition): CurvePoint[] {
  const points: CurvePoint[] = [];
  for (let begin = 0; begin < counts.length;) {
    const width = begin < 8 ? 1 : 2 ** (Math.floor(Math.log2(begin)) - 2);
    const end = Math.min(counts.length, begin + width);
    const total = (values: readonly number[]) => values.slice(begin, end).reduce((a, b) => a + b, 0);
    const count = total(counts);
    const mean = (sums: readonly number[]) => total(sums) / count;
    if (count > 0) points.push({ range: { begin, end }, loss: mean(loss), ...(kl && { kl: mean(kl) }) });
    begin = end;
  }
  return points;
}
