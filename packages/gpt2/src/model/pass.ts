/** What a forward pass is of and how it is done: what its parts share. */
import type { Parameters, Value, Variable, Variables } from "@normless/autograd";
import type { Gpt2Config } from "./config.js";
import type { Hooks } from "./hooks.js";
import type { NormTable } from "./sites.js";

/** A model on a backend. */
export interface Model {
  readonly config: Gpt2Config;
  readonly params: Parameters;
  readonly norms: NormTable;
}

/** A model in the middle of a step: its parameters are on a tape. */
export interface BoundModel {
  readonly config: Gpt2Config;
  readonly params: Variables;
  readonly norms: NormTable;
}

/**
 * Attention of block `layer`; the default is plain causal attention, a cache puts its own here. Its scores are q·kᵀ/√D:
 * where the config asks for others, q comes with what they lack (`queryScale`).
 */
export type Attend = (layer: number, q: Variable, k: Variable, v: Variable) => Variable;

/** A block, and the residual (B,T,C) that it reads. */
export interface Beginning {
  readonly layer: number;
  readonly residual: Value;
}

/** What else a forward pass does: look at tensors or replace them, attend to a cache, save memory. */
export interface ForwardOptions {
  /**
   * By name, what sees a tensor and may put another in its place. Scores, patterns and what goes into a GELU are computed
   * apart only in the blocks where they are asked for.
   */
  readonly hooks?: Hooks | undefined;
  readonly attend?: Attend | undefined;
  /** Where the pass begins in the middle. Nothing before is computed, and no hook may be there. */
  readonly from?: Beginning | undefined;
  /**
   * Keeps only what goes into each block, and computes the block again in the backward pass. The same bits. Hooks inside
   * of a block see it the first time, and may replace nothing.
   */
  readonly recompute?: boolean | undefined;
}
