/** Where a run stands, at any moment, as the checkpoint that goes on from there. */
import { gatherWeights } from "@normless/gpt2";
import { sizeOf } from "@normless/tensor";
import type { TrainerState } from "@normless/train";
import type { Phase } from "../phase.js";
import type { RemovalState } from "../removing/index.js";
import type { RunState } from "../state.js";
import type { Validating } from "../validation/validating.js";
import type { Given } from "./given.js";

/** What a run has done so far, besides what is being trained. */
export class Standing {
  readonly #given: Given;
  readonly #validating: Validating;
  /** The control's loss at each of its updates so far. */
  readonly controlLosses: number[];
  /** The end of the last training, until its validation is over: what a stop in there goes back to. */
  trained: RunState | undefined;

  constructor(given: Given, validating: Validating) {
    this.#given = given;
    this.#validating = validating;
    this.controlLosses = [...(given.resume?.controlLosses ?? [])];
  }

  /** In the middle of a training, or at its end. */
  inTraining(phase: Phase, trained: TrainerState, removal: RemovalState, lookDue: boolean): RunState {
    const { fingerprint, recipe } = this.#given;
    return {
      version: 1,
      fingerprint,
      recipe,
      phase,
      step: trained.optimizer.step,
      ...trained,
      removal,
      controlLosses: [...this.controlLosses],
      validation: this.#validating.sums,
      lookDue,
    };
  }

  /** While a model is validated: the end of the training that made it, or the run's beginning where it is the original. */
  async inValidation(): Promise<RunState> {
    const { recipe, start, distilled } = this.#given;
    if (this.trained) return { ...this.trained, recipe, validation: this.#validating.sums };
    const zeros = () =>
      Object.fromEntries(
        Object.entries(start.weights).map(([name, { shape }]) => [name, new Float32Array(sizeOf(shape))]),
      );
    const trained = {
      weights: await gatherWeights(start.weights),
      optimizer: { step: 0, m: zeros(), v: zeros() },
    };
    const phase = distilled ? "removal" : "control";
    return this.inTraining(phase, trained, this.untouched, recipe.evaluateEvery > 0);
  }

  /** Before anything is removed. */
  get untouched(): RemovalState {
    return { norms: this.#given.original.norms, averages: {}, probedTokens: 0 };
  }
}
