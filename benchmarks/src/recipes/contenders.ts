/**
 * What the table of recipes compares: losses, paces, constants and auxiliary losses, under one training for all (the
 * reference recipe's, at so many updates), so that one control a seed serves every contender and no gap owes anything to
 * a weaker control. What is distilled is held against the original.
 */
import { type RemovalRecipe, removalRecipes, scaleRecipe } from "normless";

export interface Contender {
  readonly name: string;
  readonly steps: number;
  readonly recipe: RemovalRecipe;
}

const { reference } = removalRecipes;

/** Those that are run with several numbers of updates, to see how many tokens each needs. */
export const budgeted: readonly string[] = [
  "distilled",
  "adaptive",
  "reference",
  "reference, one constant for all positions",
  "baroni-2025-small",
];

/** The reference recipe's training, with so many updates. */
function trainingOf(steps: number, seed: number): RemovalRecipe {
  const { recipe } = scaleRecipe(reference, { steps });
  // Contenders differ in the auxiliary loss, and the control is everyone's.
  return { ...recipe, seed, validationTokens: 32_768, controlAuxiliary: false };
}

/** What a recipe removes when, at the size of that training. */
function under(training: RemovalRecipe, recipe: RemovalRecipe): RemovalRecipe {
  const { steps, batchSize, microBatchSize, blockSize } = training;
  const scaled = scaleRecipe(recipe, { steps, batchSize, microBatchSize, blockSize }).recipe;
  const { name, source, loss, auxiliaryWeight, constants, pace } = scaled;
  // What decays would not leave a control of the distilled as it was.
  const weightDecay = loss === "distillation" ? 0 : training.weightDecay;
  return { ...training, name, source, loss, weightDecay, auxiliaryWeight, constants, pace };
}

/** The control's part of a contender: whatever does not change it. */
export function controlOf(steps: number, seed: number): RemovalRecipe {
  return trainingOf(steps, seed);
}

export function contenders(steps: number, seed: number): Contender[] {
  const training = trainingOf(steps, seed);
  const as = (name: string, recipe: RemovalRecipe): Contender => ({
    name,
    steps,
    recipe: under(training, recipe),
  });
  const published = removalRecipes["heimersheim-2024"];
  const { constants } = published;
  const pace = reference.pace;
  if (pace.kind !== "fixed") throw new Error("the reference recipe has a fixed pace");
  return [
    as("distilled", removalRecipes["distilled"]),
    as("adaptive", removalRecipes["adaptive"]),
    as("reference", reference),
    as("reference, one constant for all positions", {
      ...reference,
      constants: { ...reference.constants, special: "none" },
    }),
    as("all at once, one constant for all positions", {
      ...reference,
      constants: { ...reference.constants, special: "none" },
      pace: { ...pace, start: 1, gaps: { ln_2: 0, "ln_1:qk": 0, "ln_1:v": 0 } },
    }),
    as("reference, 20 updates of the auxiliary loss first", {
      ...reference,
      pace: { ...pace, start: pace.start + 20 },
    }),
    as("taper", removalRecipes["taper"]),
    as("heimersheim-2024", published),
    as("heimersheim-2024 --bug-compatible", {
      ...published,
      constants: { ...constants, special: "released-2024" },
    }),
    as("baroni-2025-small", removalRecipes["baroni-2025-small"]),
    as("baroni-2025-small-no-aux", removalRecipes["baroni-2025-small-no-aux"]),
  ];
}
