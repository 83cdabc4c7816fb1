/** A run's looks at the validation text: its models one after the other, and a few rows in the middle of a training. */
import type { Sums } from "./sums.js";
import {
  freeParams,
  type HostModel,
  type Model,
  NotFiniteError,
  type NormTable,
  uploadWeights,
} from "@normless/gpt2";
import type { Backend } from "@normless/tensor";
import type {
  Contender,
  EvalEvent,
  LookEvent,
  Phase,
  ProgressEvent,
  Validated,
  ValidationLosses,
} from "../events.js";
import { measurePositions, type PositionSums } from "@normless/evaluate";
import type { RemovalRecipe } from "../recipe/recipe.js";
import type { Trainer } from "@normless/train";
import { comparesWithOriginal, lookOf, lossesOf, lossOf, validated, ValidationRows } from "./validation.js";

/** What a run's validation is given. */
export interface ValidatingInput {
  readonly backend: Backend;
  readonly original: HostModel;
  readonly recipe: RemovalRecipe;
  /** The validation text, of which the recipe may look at a part. */
  readonly text: Uint16Array;
  readonly eot: number | undefined;
  /** What is known already. */
  readonly sums?: Sums | undefined;
  /** An AbortSignal, which cuts off what is under way. */
  readonly signal?: { readonly aborted: boolean } | undefined;
  readonly seconds: () => number;
}

/** The validation of a run's models, and what is known of them so far. */
export class Validating {
  readonly #input: ValidatingInput;
  readonly #rows: ValidationRows;
  readonly #sums: Partial<Record<Contender, PositionSums>>;
  /** What the sums came to, as far as anybody asked. */
  readonly #figures: Partial<Record<Contender, Validated>> = {};

  constructor(input: ValidatingInput) {
    this.#input = input;
    this.#rows = new ValidationRows(input.text, input.recipe, input.eot);
    this.#sums = { ...input.sums };
  }

  /** Targets of the plain windows, and all that each model is validated on. */
  get extent() {
    return {
      validationTokens: this.#rows.tokens,
      validationTargets: eachContender((name) => this.#rows.targets(name)),
    };
  }

  knows(model: Contender): boolean {
    return this.#sums[model] !== undefined;
  }

  /** For a checkpoint. */
  get sums(): Sums {
    return { ...this.#sums };
  }

  get losses(): Partial<ValidationLosses> {
    return lossesOf(this.#sums);
  }

  get figures(): Record<Contender, Validated | undefined> {
    return eachContender((model) => this.#figuresOf(model));
  }

  #figuresOf(model: Contender): Validated | undefined {
    return (this.#figures[model] ??= validated(model, this.#sums));
  }

  /**
   * Whether it was not cut off; where it was, nothing is known of the model. The original comes first.
   * @throws NotFiniteError with the advice, where a loss is no number
   */
  async *evaluate(
    model: Contender,
    contender: HostModel,
    advice?: string,
  ): AsyncGenerator<ProgressEvent | EvalEvent, boolean> {
    const { backend, signal, seconds } = this.#input;
    const params = await uploadWeights(backend, contender.weights);
    let reference: Model | undefined;
    try {
      reference = comparesWithOriginal(model) ? await this.#original() : undefined;
      const rows = this.#rows.of(model);
      const options = { ...this.#batches(2), advice, reference };
      const work = measurePositions({ ...contender, params }, rows, options);
      while (!signal?.aborted) {
        const { done, value } = await work.next();
        if (!done) {
          yield { type: "progress", what: model, done: value, total: this.#rows.targets(model) };
          continue;
        }
        this.#sums[model] = value;
        const figures = this.#figuresOf(model);
        if (!figures) throw new Error(`the ${model} model was validated before the original`);
        yield { type: "eval", model, loss: lossOf(value), ...figures, seconds: seconds() };
        return true;
      }
      return false;
    } finally {
      freeParams(params);
      if (reference) freeParams(reference.params);
    }
  }

  /**
   * A few rows of each kind, in the middle of a training; undefined where it was cut off. Where a loss is no number, the
   * event says so.
   * @throws Error of the backend
   */
  async look(phase: Phase, trainer: Trainer, norms: NormTable): Promise<LookEvent | undefined> {
    const { signal, seconds } = this.#input;
    const reference = trainer.teacher ?? (await this.#original());
    const { config, params } = trainer;
    const about = { type: "look", phase, step: trainer.step } as const;
    try {
      const options = { ...this.#batches(1), reference, stds: true, advice: "training goes on" };
      const work = measurePositions({ config, params, norms }, this.#rows.look, options);
      while (!signal?.aborted) {
        const { done, value } = await work.next();
        if (done) return { ...about, kinds: lookOf(value), seconds: seconds() };
      }
      return undefined;
    } catch (error) {
      // Training may yet come back from there: nobody must lose a run by looking at it.
      if (!(error instanceof NotFiniteError)) throw error;
      return { ...about, kinds: [], failed: error.message, seconds: seconds() };
    } finally {
      if (!trainer.teacher) freeParams(reference.params);
    }
  }

  #batches(count: number) {
    return { batchSize: count * this.#input.recipe.microBatchSize };
  }

  /** On the backend; the caller's to free. */
  async #original(): Promise<Model> {
    const { backend, original } = this.#input;
    return { ...original, params: await uploadWeights(backend, original.weights) };
  }
}

function eachContender<X>(of: (model: Contender) => X): Record<Contender, X> {
  return { original: of("original"), control: of("control"), frozen: of("frozen"), folded: of("folded") };
}
