/** The control: trained with all that the removal is trained with, but for the removal; as published, without the auxiliary loss. */
import { meanOf } from "@normless/layernorm";
import type { RemovalRecipe } from "../recipe/recipe.js";
import { type RemovalState, updateScale } from "../removing/index.js";
import { measureStds, stdsOf } from "../removing/measuring.js";
import type { StepOptions, StepResult } from "@normless/train";

/** The control's way through its training, as `Removing` is the removal's. */
export class Control {
  readonly #recipe: RemovalRecipe;
  #state: RemovalState;

  /** `state`: with the norms as the run finds them, or as a checkpoint holds it. */
  constructor(recipe: RemovalRecipe, state: RemovalState) {
    this.#recipe = recipe;
    this.#state = state;
  }

  get state(): RemovalState {
    return this.#state;
  }

  /** Whether the update after so many must know all updates before. */
  due(step: number): boolean {
    const { controlAuxiliary, pace } = this.#recipe;
    return controlAuxiliary && pace.kind === "taper" && step === pace.begin;
  }

  /** How to do the update after so many. */
  options(step: number): StepOptions {
    const { controlAuxiliary, auxiliaryWeight, pace } = this.#recipe;
    const { norms, taper } = this.#state;
    if (!controlAuxiliary) return { norms, auxiliaryWeight: 0 };
    if (pace.kind !== "taper") return { norms, auxiliaryWeight };
    // A taper's begins with it, at the scale that was there before.
    if (step < pace.begin) return { norms, auxiliaryWeight: 0, measure: measureStds };
    return { norms, auxiliaryWeight, auxiliaryTarget: taper?.scale && meanOf(taper.scale) };
  }

  /** Learns from an update that was done. */
  after(result: StepResult): void {
    const stds = stdsOf(result);
    const { pace } = this.#recipe;
    const measured = stds.some((microBatch) => "ln_f" in microBatch);
    if (pace.kind !== "taper" || !measured) return;
    const scale = updateScale(this.#state.taper?.scale, stds, pace.keep);
    this.#state = { ...this.#state, taper: { calibration: {}, scale } };
  }
}

/** What tells a control from the LN-free model beside it, in a sentence; undefined where a recipe has no control. */
export function describeControl({
  loss,
  auxiliaryWeight,
  controlAuxiliary,
}: Pick<RemovalRecipe, "loss" | "auxiliaryWeight" | "controlAuxiliary">): string | undefined {
  if (loss === "distillation") return undefined;
  const same = "The control kept its LayerNorms and was trained on the same batches with the same schedule";
  const auxiliary = `the auxiliary loss (λ = ${auxiliaryWeight})`;
  if (auxiliaryWeight === 0) return `${same}.`;
  if (controlAuxiliary) return `${same} and ${auxiliary}: nothing but the removal tells the two apart.`;
  return `${same}, but without ${auxiliary} that the LN-free model had: what that costs is in the difference, too.`;
}
