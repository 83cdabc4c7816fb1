/**
 * Whether the loss of a run is where it should be, update by update: what tells, after a loss has diverged, since when and
 * so which checkpoint to go back to. The run itself does not go by it.
 */
import type { Moment } from "./recipe/change-recipe.js";
import type { Phase, RemovalEvent, StepEvent } from "./events.js";

/** Nats above what it is held against from which on an update's loss counts as gone. */
export const GONE_NATS = 1;
/** So many updates in a row must be near it again for a loss to be back. */
const BACK_UPDATES = 5;

type Step = Pick<StepEvent, "step" | "loss"> & { readonly phase: Phase | "train" };

/** Since when the loss is gone. */
export interface Onset {
  readonly phase: Phase | "train";
  /** The first update of this phase that was more than GONE_NATS above, with none of the later ones back for long. */
  readonly step: number;
  /** What the loss is held against. */
  readonly against: "the control's on the same batch" | "the original's" | "its lowest so far";
  /** What went last before that, and when. */
  readonly last?: RemovalEvent | undefined;
}

/** Fed with a run's events in order, those of earlier processes first. */
export class LossWatch {
  readonly #distilled: boolean;
  readonly #control: number[] = [];
  readonly #removals: RemovalEvent[] = [];
  /** Of all phases together, one an update. */
  readonly #sound: boolean[] = [];
  #phase: Phase | "train" | undefined;
  #lowest = Infinity;
  #near = 0;
  #goneSince: number | undefined;
  #last = 0;

  /** @param distilled a removal's loss is its distance from the original */
  constructor({ distilled }: { readonly distilled: boolean }) {
    this.#distilled = distilled;
  }

  takeRemoval(event: RemovalEvent): void {
    this.#removals.push(event);
  }

  takeStep({ phase, step, loss }: Step): void {
    if (phase !== this.#phase) {
      this.#phase = phase;
      this.#lowest = Infinity;
      this.#goneSince = undefined;
    }
    this.#last = step;
    const above = loss - this.#reference(step);
    if (phase === "control") this.#control[step - 1] = loss;
    if (loss < this.#lowest) this.#lowest = loss;
    // Not the other way round: what is no number is gone.
    const near = above <= GONE_NATS;
    this.#near = near ? this.#near + 1 : 0;
    if (!near) this.#goneSince ??= step;
    if (this.#near >= BACK_UPDATES) this.#goneSince = undefined;
    this.#sound.push(this.#goneSince === undefined);
  }

  /**
   * Whether the weights after so many updates of all phases are known to be sound: the loss of the next update, which is
   * the first that they gave, was where it should be.
   */
  soundAt(updates: number): boolean {
    return this.#sound[updates] ?? false;
  }

  /** The most updates of all phases after which a checkpoint is from before an onset: what the last of them made was bad. */
  updatesBefore({ phase, step }: Pick<Onset, "phase" | "step">): number {
    return (phase === "removal" ? this.#control.length : 0) + step - 2;
  }

  /** Where so many updates of all phases have led; of what was trained for itself, as if it were a removal. */
  momentOf(updates: number): Moment {
    const control = this.#control.length;
    if (control > 0 && updates <= control) return { phase: "control", step: updates };
    return { phase: "removal", step: updates - control };
  }

  /** Undefined where the loss is where it should be. */
  get onset(): Onset | undefined {
    return this.#goneSince === undefined ? undefined : this.#onsetAt(this.#goneSince);
  }

  /** The same of an update that never ended, since its loss was no number; undefined before the first. */
  onsetOfFailure(): Onset | undefined {
    return this.#phase && this.#onsetAt(this.#goneSince ?? this.#last + 1);
  }

  #onsetAt(step: number): Onset {
    const phase = this.#phase ?? "train";
    const last = phase === "removal" ? this.#removals.findLast((event) => event.step < step) : undefined;
    const byControl = this.#control.length > 0 ? "the control's on the same batch" : "its lowest so far";
    const against =
      phase !== "removal" ? "its lowest so far" : this.#distilled ? "the original's" : byControl;
    return { phase, step, against, last };
  }

  #reference(step: number): number {
    if (this.#phase !== "removal") return this.#lowest;
    if (this.#distilled) return 0;
    return this.#control[step - 1] ?? this.#lowest;
  }
}
