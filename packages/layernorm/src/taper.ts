/**
 * Tapering: all norms at once go from LayerNorm to a constant, by one gate that falls from 1 to 0. What each will
 * divide by is calibrated before, so that both branches agree in the least squares sense. Plain numbers and device
 * measurements; the norm itself is norm.ts's.
 * Source: TaperNorm 2026 (arXiv 2602.10408). That paper gives the RMS form; here it is centred, as LayerNorm is, and
 * both branches share one gamma, which they start from in the paper too.
 */
import type { Tensor } from "@normless/tensor";

/** The gate at an update: 1 until `begin`, half a cosine down, exactly 0 from `end` on. */
export function taperGate(
  step: number,
  { begin, end }: { readonly begin: number; readonly end: number },
): number {
  if (step <= begin) return 1;
  if (step >= end) return 0;
  return 0.5 * (1 + Math.cos((Math.PI * (step - begin)) / (end - begin)));
}

/** Sums over the tokens of a batch, as scalars on the device. */
export interface MeasuredTaper {
  /** Σ ‖(x−mean)·gamma‖²/std */
  readonly numerator: Tensor;
  /** Σ ‖(x−mean)·gamma‖² */
  readonly denominator: Tensor;
}

/** x (...,C), gamma (C), classes int32 (...) → the sums that calibrate. Both tensors are the caller's to free. */
export function measureTaper(
  x: Tensor,
  { gamma, classes, eps }: { readonly gamma: Tensor; readonly classes: Tensor; readonly eps: number },
): MeasuredTaper {
  const { backend } = x;
  const beta = backend.upload(new Float32Array(gamma.size), gamma.shape);
  const std = { first: 1, eot: 1, rest: 1 };
  const { y: centred } = backend.run("frozenNorm", { x, gamma, beta, classes }, { std });
  const { y: normed, mean, rstd } = backend.run("layerNorm", { x, gamma, beta }, { eps });
  // The LayerNorm without beta is (x−mean)·gamma/std, so that its product with the other is the numerator's summand.
  const { y: overStd } = backend.run("binary", { a: centred, b: normed }, { op: "mul" });
  const { y: squared } = backend.run("unary", { x: centred }, { op: "square" });
  const { y: numerator } = backend.run("sum", { x: overStd }, {});
  const { y: denominator } = backend.run("sum", { x: squared }, {});
  for (const tensor of [beta, centred, normed, mean, rstd, overStd, squared]) tensor.free();
  return { numerator, denominator };
}

/** An exponential moving mean that starts from nothing, with the weight of all values that are in it. */
export interface MovingMean {
  readonly sum: number;
  readonly weight: number;
}

/** The moving mean after one more value; `keep` is the weight of what was there, in [0, 1). */
export function updateMovingMean(previous: MovingMean | undefined, value: number, keep: number): MovingMean {
  const { sum, weight } = previous ?? { sum: 0, weight: 0 };
  return { sum: keep * sum + (1 - keep) * value, weight: keep * weight + (1 - keep) };
}

/** The mean, free of the nothing that it started from (Adam's bias correction). */
export function meanOf({ sum, weight }: MovingMean): number {
  return sum / weight;
}

/** Of what measureTaper() gives. Plain JSON data. */
export interface TaperAverage {
  readonly numerator: MovingMean;
  readonly denominator: MovingMean;
}

/**
 * What the frozen branch divides by: denominator/numerator, which is 1/c* of the paper. Tokens count by their energy,
 * so that large residuals weigh more than in a mean of stds. (The weight cancels in the ratio.)
 * @throws RangeError when nothing was measured, or the activations have diverged.
 */
export function taperStd({ numerator, denominator }: TaperAverage): number {
  const std = meanOf(denominator) / meanOf(numerator);
  if (std > 0 && Number.isFinite(std)) return std;
  throw new RangeError(
    `taperStd: ${std} is no std; were the activations measured, and finite, before the taper?`,
  );
}
