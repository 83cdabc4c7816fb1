/** Everything that a stopped run needs to go on with the same bits. Plain data: numbers, strings, typed arrays. */
import type { Weights } from "@normless/gpt2";
import type { Phase } from "./events.js";
import type { RemovalRecipe } from "./recipe.js";
import type { RemovalState } from "./removing/index.js";
import type { TrainerState } from "./trainer.js";
import type { Sums } from "./validation.js";

export interface RunState extends TrainerState {
  readonly version: 1;
  /** Which weights the run started from. */
  readonly fingerprint: string;
  readonly recipe: RemovalRecipe;
  readonly phase: Phase;
  /** Updates done in this phase. */
  readonly step: number;
  readonly removal: RemovalState;
  /** The control's loss at each of its updates so far. */
  readonly controlLosses: readonly number[];
  /** What the models validated so far came to, row by row: what intervals are made from. */
  readonly validation: Sums;
  /** The look at the validation set after this step is still to be done. */
  readonly lookDue?: boolean | undefined;
}

/** A short hash of names, shapes and bits, FNV-1a on 32-bit words: tells models apart, not forgers. */
export function fingerprint(weights: Weights): string {
  let a = 0x811c9dc5;
  let b = 0x1234567;
  const mix = (word: number) => {
    a = Math.imul(a ^ word, 0x01000193);
    b = Math.imul(b ^ (word + a), 0x85ebca6b);
  };
  for (const [name, { shape, data }] of Object.entries(weights).sort(([x], [y]) => (x < y ? -1 : 1))) {
    for (const char of name) mix(char.codePointAt(0) ?? 0);
    shape.forEach(mix);
    new Uint32Array(data.buffer, data.byteOffset, data.length).forEach(mix);
  }
  return [a, b].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}
