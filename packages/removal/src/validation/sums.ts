/** A run's validation so far, as a checkpoint holds it. */
import type { PositionSums } from "@normless/evaluate";
import type { Contender } from "../phase.js";

/** What is known of the models so far. */
export type Sums = Readonly<Partial<Record<Contender, PositionSums>>>;
