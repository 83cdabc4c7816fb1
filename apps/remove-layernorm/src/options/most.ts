/**
 * The most of everything that is counted, on the command line and in files of options and recipes: beyond it a figure is a
 * slip, and is refused before memory is taken. What is `n|all` has no most: more than there is is all of it.
 */
import { MOST_OF_CONFIG } from "@normless/gpt2";
import { MOST_OF_RECIPE } from "@normless/train";

const { blockSize: context, ...shape } = MOST_OF_CONFIG;

export const MOST = {
  ...shape,
  context,
  ...MOST_OF_RECIPE,
  /** Updates of a run, to go on from: those of a control and of a removal. */
  checkpoint: 2 * MOST_OF_RECIPE.steps,
  /** Sequences that stds are measured on before a removal. */
  sequences: MOST_OF_RECIPE.batchSize,
  positionRows: 2 ** 30,
  resamples: 100_000,
  maxTokens: 2 ** 30,
  threads: 64,
  seeds: 100,
  /** Prompts out of a template. */
  count: 1_000_000,
} as const;
