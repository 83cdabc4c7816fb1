/** What a run calls its models and its trainings. */

/** The models that a run compares. */
export type Contender = "original" | "control" | "frozen" | "folded";
/** The two trainings of a run: on the same batches, with the same schedule, with and without LayerNorm. A distilled run has but the second. */
export type Phase = "control" | "removal";
