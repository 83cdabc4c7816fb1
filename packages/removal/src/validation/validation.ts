/**
 * What a run looks at of the validation text: at its end every model on all three kinds of rows, and on the way, at a
 * steady distance, a few of them. The same rows for every model, so that differences are paired.
 */
import type { Sums } from "./sums.js";
import type { Contender, Look, Validated, ValidationLosses } from "../events.js";
import {
  cellFigures,
  type KindSums,
  positionFigures,
  type PositionSums,
  type RowKind,
  type RowSet,
  rowSet,
  rowTargets,
  wholeOf,
} from "@normless/evaluate";
import { validationPart } from "@normless/text";
import type { RemovalRecipe } from "../recipe/recipe.js";
import { type Estimate, meanOf } from "@normless/statistics";

/** Besides all plain windows. */
const MOST = { "eot-middle": 64, "eot-document": 256 };
/** Of each kind, on the way. */
export const LOOK = 16;
/** Of the bootstrap. */
const RESAMPLES = 1000;

/** The rows that a run looks at. */
export class ValidationRows {
  /** Plain windows over the part that the recipe looks at, documents over all of the text: there are few. */
  readonly all: RowSet;
  readonly look: RowSet;
  /** Targets of the plain windows. */
  readonly tokens: number;

  constructor(
    text: Uint16Array,
    { validationTokens, blockSize }: Pick<RemovalRecipe, "validationTokens" | "blockSize">,
    eot: number | undefined,
  ) {
    const rows = { tokens: validationPart(text, validationTokens), documents: text, blockSize, eot };
    this.tokens = rows.tokens.length - 1;
    this.all = rowSet({ ...rows, most: MOST });
    this.look = rowSet({ ...rows, most: { plain: LOOK, "eot-middle": LOOK, "eot-document": LOOK } });
  }

  /**
   * What a model is validated on. The frozen model is what the folded one is, but for rounding: of it the loss is enough.
   */
  of(model: Contender): RowSet {
    if (model !== "frozen") return this.all;
    return { ...this.all, kinds: this.all.kinds.filter(({ kind }) => kind === "plain"), notMeasured: [] };
  }

  targets(model: Contender): number {
    return rowTargets(this.of(model));
  }
}

/** Whether the original's predictions are held beside a model's. */
export function comparesWithOriginal(model: Contender): boolean {
  return model === "control" || model === "folded";
}

/** Nats a token on the plain windows, which are the validation set. */
export function lossOf({ kinds }: PositionSums): number {
  return meanOf(wholeOf(kinds.find(({ kind }) => kind === "plain") ?? { ranges: [] }).loss);
}

/** The same of all models that were validated. */
export function lossesOf(sums: Sums): Partial<ValidationLosses> {
  return Object.fromEntries(Object.entries(sums).map(([model, of]) => [model, lossOf(of)]));
}

/** A model's figures, and how far they are from the original's and the control's, with intervals over rows. */
export function validated(model: Contender, sums: Sums): Validated | undefined {
  const { original, control, [model]: own } = sums;
  if (!own || !original) return undefined;
  const options = { resamples: RESAMPLES };
  const lnFree = model === "frozen" || model === "folded";
  if (model === "original") return { positions: positionFigures([own], options)[0] };
  const pair = [onlyKinds(original, own), onlyKinds(own, original)];
  const positions = positionFigures(pair, options)[1];
  if (!lnFree || !control) return { positions };
  const pairs = own.kinds.flatMap((kind): [RowKind, Estimate][] => {
    const other = control.kinds.find((one) => one.kind === kind.kind);
    if (!other) return [];
    const [, { toFirst }] = cellFigures([wholeOf(other), wholeOf(kind)], options);
    return toFirst ? [[kind.kind, toFirst]] : [];
  });
  return { positions, toControl: Object.fromEntries(pairs) };
}

/** Those kinds alone that the other has, too. */
function onlyKinds(sums: PositionSums, other: PositionSums): PositionSums {
  const has = ({ kind }: KindSums) => other.kinds.some((one) => one.kind === kind);
  return { ...sums, kinds: sums.kinds.filter(has) };
}

/** Means of a look on the way. */
export function lookOf({ kinds }: PositionSums): Look[] {
  return kinds.map(({ kind, rows, ranges, stds = {} }) => {
    const means = ({ loss, kl }: Pick<KindSums["ranges"][number], "loss" | "kl">) => ({
      loss: meanOf(loss),
      ...(kl && { kl: meanOf(kl) }),
    });
    return {
      ...{ kind, rows },
      all: means(wholeOf({ ranges })),
      ranges: ranges.map((one) => ({ range: one.range, ...means(one) })),
      stds,
    };
  });
}
