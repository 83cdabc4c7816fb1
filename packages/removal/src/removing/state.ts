/** A removal under way as plain data, which a checkpoint holds. */
import type { NormTable } from "@normless/gpt2";
import type { MovingMean, TaperAverage } from "@normless/layernorm";
import type { StdAverages } from "../recipe/plan.js";

/** What a taper has measured so far, and what it found. */
export interface TaperState {
  /** By norm module. */
  readonly calibration: Readonly<Record<string, TaperAverage>>;
  /** Mean std before ln_f, over updates. */
  readonly scale?: MovingMean | undefined;
}

/** The norms of now, and what is measured for those to come. */
export interface RemovalState {
  readonly norms: NormTable;
  readonly averages: StdAverages;
  /** Tokens looked at to measure what removals cost; none of them is trained on there. */
  readonly probedTokens: number;
  readonly taper?: TaperState | undefined;
}
