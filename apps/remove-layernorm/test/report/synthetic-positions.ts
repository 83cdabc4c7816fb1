/** Validations and looks that never were: figures of the shape of real ones, worse at the first positions. */
import { normModules, presets } from "@normless/gpt2";
import type { LookEvent, Validated, Contender, Phase } from "@normless/removal";
import { positionRanges, ROW_KINDS, type RowKind } from "@normless/evaluate";
import type { Estimate } from "@normless/statistics";

const T = 128;

/** What an interval of half the width is about. */
export const estimate = (value: number, half = 0.0015): Estimate => ({
  value,
  interval: { low: value - half, high: value + half },
});

/** A model whose loss is so far from the original's; its KL from it is larger the earlier the position. */
export function validatedAs(model: Contender, loss: Readonly<Record<Contender, number>>): Validated {
  const gap = loss[model] - loss.original;
  const cell = (t: number) => ({
    loss: estimate(loss[model] + 1 / (t + 1)),
    ...(model !== "original" && { toFirst: estimate(gap / (t + 1)) }),
    ...((model === "control" || model === "folded") && { kl: estimate(1.8 / (t + 1)) }),
  });
  const kinds: readonly RowKind[] = model === "frozen" ? ["plain"] : ROW_KINDS;
  const lnFree = model === "frozen" || model === "folded";
  return {
    positions: {
      kinds: kinds.map((kind, k) => ({
        ...{ kind, rows: 64, available: 512 },
        all: {
          loss: estimate(loss[model] + 0.1 * k),
          ...(model !== "original" && { toFirst: estimate(gap + 0.05 * k) }),
          ...((model === "control" || model === "folded") && { kl: estimate(0.05 * (k + 1)) }),
        },
        ranges: positionRanges(T).map((range) => ({ range, ...cell(range.begin) })),
        curve: Array.from({ length: T }, (_, t) => ({
          range: { begin: t, end: t + 1 },
          loss: 3,
          ...(model === "folded" && { kl: (1.8 * (k + 1)) / (t + 1) }),
        })),
      })),
      notMeasured: [],
    },
    ...(lnFree && {
      toControl: Object.fromEntries(kinds.map((kind) => [kind, estimate(loss[model] - loss.control)])),
    }),
  };
}

export function syntheticLook(phase: Phase, step: number): LookEvent {
  const stds = Object.fromEntries(
    normModules(presets.base).map((module, i) => [module, { first: 2 + i + step / 100, rest: 1 + i / 10 }]),
  );
  return {
    type: "look",
    phase,
    step,
    kinds: ROW_KINDS.map((kind, k) => ({
      ...{ kind, rows: 16, stds },
      all: { loss: 3, kl: (0.01 * step) / 50 },
      ranges: positionRanges(T).map((range) => ({
        range,
        loss: 3,
        kl: (step * (k + 1)) / 50 / (range.begin + 1),
      })),
    })),
    seconds: step * 0.3,
  };
}
