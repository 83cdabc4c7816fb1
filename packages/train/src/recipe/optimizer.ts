/** What the recipes' trainings have in common. */

/** AdamW and clipping, as nearly all published trainings have them. */
export const adamW = { beta1: 0.9, beta2: 0.95, adamEps: 1e-8, maxNorm: 1, moments: "float32" } as const;
/** The published trainings'. */
export const seed = 1337;
/** Windows out of the middle of text alone, as every published training takes them. */
export const plainRows = { eotShare: 0, shortShare: 0, shortTokens: 4 };
