/**
 * The run: a control and a removal, trained on the same batches with the same schedule, then validation, folding and
 * samples, as one stream of events. No files and no DOM: whoever consumes the events writes and draws.
 */
import {
  downloadWeights,
  foldFrozen,
  freeParams,
  type Gpt2Config,
  type HostModel,
  type Model,
  type NormTable,
  sampleText,
  sitesWithoutNorm,
  standardNorms,
  untieHead,
  uploadWeights,
  type Weights,
} from "@normless/gpt2";
import type { Backend } from "@normless/tensor";
import { type Tokenizer, validationPart } from "@normless/text";
import { removalChanges } from "./recipe/change-recipe.js";
import {
  checkMemory,
  checkRecipe,
  DIVERGED_ADVICE,
  type StepResult,
  Trainer,
  type TrainerState,
  type ChangedField,
  fingerprint,
} from "@normless/train";
import { Control } from "./control.js";
import type { Contender, ControlEvent, Phase, RunEvent, SampleEvent, ValidationLosses } from "./events.js";
import { measureFirstPosition } from "./validation/first-position.js";
import { eotOf, logitsDifference, measureModel } from "@normless/evaluate";
import { checkConstants, checkPlan, plan } from "./recipe/plan.js";
import type { RemovalRecipe } from "./recipe/recipe.js";
import { type RemovalState, type Removing, startRemoving } from "./removing/index.js";
import { extentOf, type PlannedModel } from "./recipe/sites.js";
import type { RunState } from "./state.js";
import { Validating } from "./validation/validating.js";

const REMOVAL_ADVICE = `${DIVERGED_ADVICE} or widen the gaps`;

/** What a run is given. */
export interface RunInput {
  readonly backend: Backend;
  /** A model with LayerNorms. */
  readonly model: {
    readonly config: Gpt2Config;
    readonly weights: Weights;
    /** By default LayerNorm everywhere; what is frozen or folded already stays so. */
    readonly norms?: NormTable | undefined;
    readonly tokenizer?: Tokenizer | undefined;
  };
  readonly corpus: { readonly train: Uint16Array; readonly validation: Uint16Array };
  readonly recipe: RemovalRecipe;
  /** Goes on from here; the recipe is then the state's, or `changed`. */
  readonly resume?: RunState | undefined;
  /** With `resume`: the recipe from there on, which differs in what may change while a run goes on (change-recipe.ts). */
  readonly changed?: RemovalRecipe | undefined;
  /** Asks the run to stop after the update or the validation batch under way: it yields a checkpoint and ends. */
  readonly signal?: AbortSignal | undefined;
  /** What samples start with, when there is a tokenizer. */
  readonly prompt?: string | undefined;
  /** Less memory for one more forward pass a step; the same bits. */
  readonly recompute?: boolean | undefined;
}

/** @throws Error when the plan, the corpus or the checkpoint does not fit; before any work is done. */
export async function* removeLayerNorm(input: RunInput): AsyncGenerator<RunEvent, void> {
  yield* new Run(input).events();
}

class Run {
  readonly #input: RunInput;
  readonly #recipe: RemovalRecipe;
  readonly #fingerprint: string;
  /** What a resumed run was told to do otherwise. */
  readonly #changes: readonly ChangedField[];
  readonly #validation: Uint16Array;
  readonly #begin = performance.now();
  readonly #validating: Validating;
  readonly #controlLosses: number[];
  /** What trainings begin with. */
  readonly #start: Pick<HostModel, "config" | "weights">;
  #probedTokens = 0;
  /** The end of the last training, until its validation is over: what a stop in there goes back to. */
  #trained: RunState | undefined;

  constructor(input: RunInput) {
    const { model, corpus, resume, changed } = input;
    this.#input = input;
    this.#recipe = (resume && changed) ?? resume?.recipe ?? input.recipe;
    this.#start = this.#recipe.untieHead ? untieHead(model) : model;
    this.#fingerprint = fingerprint(model.weights);
    if (resume && resume.fingerprint !== this.#fingerprint) {
      throw new Error(
        `the checkpoint belongs to another model (weights ${resume.fingerprint}, these are ${this.#fingerprint}); ` +
          "resume with the model that the run started from",
      );
    }
    if (sitesWithoutNorm({ norms: standardNorms(model.config) }).length > 0) {
      throw new RangeError(
        `the model is LN-free already: its epsilon of ${model.config.eps} makes constants of its norms; give one with LayerNorms`,
      );
    }
    checkRecipe(this.#recipe, { config: model.config, corpus });
    checkPlan(this.#recipe, this.#plannedModel);
    checkConstants(this.#recipe, this.#norms);
    this.#validation = validationPart(corpus.validation, this.#recipe.validationTokens);
    this.#changes =
      resume && changed
        ? removalChanges(resume.recipe, changed, { ...resume, model: this.#plannedModel })
        : [];
    const known = { ...resume?.validation };
    // What was validated of a training that now goes on otherwise.
    if (this.#changes.length > 0) for (const model of ["frozen", "folded"] as const) delete known[model];
    this.#validating = new Validating({
      ...{ backend: input.backend, recipe: this.#recipe, signal: input.signal },
      original: this.#original,
      ...{ text: corpus.validation, eot: eotOf(model), sums: known },
      seconds: () => this.#seconds,
    });
    this.#controlLosses = [...(resume?.controlLosses ?? [])];
  }

  /** Those that the run begins with, and that its control keeps. */
  get #norms(): NormTable {
    const { config, norms = standardNorms(config) } = this.#input.model;
    return norms;
  }

  get #original(): HostModel {
    const { config, weights } = this.#input.model;
    return { config, weights, norms: this.#norms };
  }

  get #plannedModel(): PlannedModel {
    return { layers: this.#input.model.config.layers, norms: this.#norms };
  }

  get #distilled(): boolean {
    return this.#recipe.loss === "distillation";
  }

  get #seconds(): number {
    return (performance.now() - this.#begin) / 1000;
  }

  async *events(): AsyncGenerator<RunEvent, void> {
    const { backend, model, corpus, resume } = this.#input;
    const removals = plan(this.#recipe, this.#plannedModel);
    const { recompute = false } = this.#input;
    const { config } = this.#start;
    const norms = this.#norms;
    await checkMemory(backend, {
      config,
      norms,
      recipe: this.#recipe,
      recompute,
      distilled: this.#distilled,
    });
    yield {
      type: "plan",
      recipe: this.#recipe,
      config: model.config,
      removals,
      sites: extentOf(this.#recipe, this.#plannedModel),
      trainTokens: corpus.train.length,
      ...this.#validating.extent,
      backend: backend.description,
      ...(resume && { resumedAt: { phase: resume.phase, step: resume.step } }),
    };
    if (resume && this.#changes.length > 0) {
      const { phase, step } = resume;
      yield { type: "change", phase, step, changes: this.#changes, recipe: this.#recipe, removals };
    }
    const original = this.#original;
    if (!this.#validating.knows("original")) {
      if (!(yield* this.#evaluate("original", original))) return;
      yield* this.#firstPosition("original", original);
      yield* this.#stds("original", original);
      yield* this.#sample("original", original);
    }
    if (!this.#distilled && resume?.phase !== "removal") {
      const control = yield* this.#train("control");
      if (!control || !(yield* this.#evaluate("control", control))) return;
      yield {
        type: "control",
        model: control,
        validation: this.#validating.losses as ControlEvent["validation"],
      };
    }
    const frozen = yield* this.#train("removal");
    if (!frozen) return;
    const folded = foldFrozen(frozen);
    // A run that was stopped while it validated the folded model has told all of this.
    if (!this.#validating.knows("frozen")) {
      if (!(yield* this.#evaluate("frozen", frozen))) return;
      yield* this.#firstPosition("frozen", frozen);
      yield* this.#stds("frozen", frozen);
      const relativeDifference = await this.#onDevice(folded, (a) =>
        this.#onDevice(frozen, (b) => logitsDifference(a, b, this.#validation, this.#sizes(1))),
      );
      yield { type: "fold", relativeDifference };
    }
    if (!(yield* this.#evaluate("folded", folded))) return;
    this.#trained = undefined;
    yield* this.#sample("folded", folded);
    const { steps, batchSize, blockSize } = this.#recipe;
    const summary = {
      validation: this.#validating.losses as ValidationLosses,
      validated: this.#validating.figures,
      seconds: this.#seconds,
      tokens: (steps + this.#controlLosses.length) * batchSize * blockSize,
      probedTokens: this.#probedTokens,
      peakBytes: backend.memory().peakBytes,
      backend: backend.description,
    };
    yield { type: "done", summary, frozen, folded };
  }

  /** One training from the original's weights; undefined when it was stopped. */
  async *#train(phase: Phase): AsyncGenerator<RunEvent, HostModel | undefined> {
    const { backend, corpus, signal } = this.#input;
    const { config, weights } = this.#start;
    const recipe = this.#recipe;
    const resume = this.#input.resume?.phase === phase ? this.#input.resume : undefined;
    this.#trained = resume;
    const removing = phase === "removal" ? this.#startRemoving(resume) : undefined;
    const control = new Control(recipe, resume?.removal ?? this.#untouched);
    const way = removing ?? control;
    const { recompute } = this.#input;
    const teacher = this.#distilled ? weights : undefined;
    const from = resume?.weights ?? weights;
    const trainer = new Trainer(backend, config, from, recipe, {
      recompute,
      teacher,
      teacherNorms: this.#norms,
      advice: removing && REMOVAL_ADVICE,
    });
    try {
      if (resume) trainer.load(resume);
      const begin = performance.now();
      const firstStep = trainer.step;
      let lookDue = resume ? resume.lookDue : recipe.evaluateEvery > 0;
      for (;;) {
        if (lookDue) {
          const look = await this.#validating.look(phase, trainer, way.state.norms);
          if (!look) {
            const state = { ...this.#state(phase, await trainer.save(), way.state), lookDue };
            yield { type: "checkpoint", state, reason: "stop" };
            return undefined;
          }
          yield look;
          lookDue = false;
          if (this.#trained) this.#trained = { ...this.#trained, lookDue };
        }
        if (trainer.step >= recipe.steps) break;
        if (removing) yield* await removing.before(trainer);
        await trainer.update(corpus.train, way.options(trainer.step));
        const { step } = trainer;
        const last = step === recipe.steps;
        const due = step % recipe.checkpointEvery === 0 || last;
        lookDue = recipe.evaluateEvery > 0 && (step % recipe.evaluateEvery === 0 || last);
        const wanted = due || lookDue || signal?.aborted || way.due(step);
        if (!wanted && !trainer.resultsDue) continue;
        for await (const result of trainer.results()) {
          if (phase === "control") this.#controlLosses.push(result.loss);
          way.after(result);
          const trained = (step - firstStep) * recipe.batchSize * recipe.blockSize;
          const tokensPerSecond = (trained / (performance.now() - begin)) * 1000;
          yield this.#stepEvent(phase, result, tokensPerSecond);
        }
        if (due || signal?.aborted) {
          const state = { ...this.#state(phase, await trainer.save(), way.state), lookDue };
          if (last) this.#trained = state;
          yield { type: "checkpoint", state, reason: signal?.aborted ? "stop" : "schedule" };
          if (signal?.aborted) return undefined;
        }
      }
      this.#probedTokens = way.state.probedTokens;
      const { norms } = way.state;
      return { config, weights: await downloadWeights(trainer.params), norms };
    } finally {
      trainer.free();
    }
  }

  /** Before anything is removed. */
  get #untouched(): RemovalState {
    return { norms: this.#norms, averages: {}, probedTokens: 0 };
  }

  #startRemoving(resume: RunState | undefined): Removing {
    const { corpus } = this.#input;
    const state = resume?.removal ?? this.#untouched;
    const model = this.#plannedModel;
    return startRemoving({ recipe: this.#recipe, model, train: corpus.train, state });
  }

  #stepEvent(phase: Phase, result: StepResult, tokensPerSecond: number): RunEvent {
    const { step, loss, auxiliary, gradNorm, learningRate } = result;
    return {
      type: "step",
      phase,
      step,
      loss,
      ...(auxiliary !== undefined && { auxiliary }),
      gradNorm,
      learningRate,
      tokensPerSecond,
      seconds: this.#seconds,
    };
  }

  #state(phase: Phase, trained: TrainerState, removal: RemovalState): RunState {
    return {
      version: 1,
      fingerprint: this.#fingerprint,
      recipe: this.#recipe,
      phase,
      step: trained.optimizer.step,
      ...trained,
      removal,
      controlLosses: [...this.#controlLosses],
      validation: this.#validating.sums,
    };
  }

  /** The end of the training that is validated, or the run's beginning where it is the original. */
  #stateInValidation(): RunState {
    if (this.#trained) {
      return { ...this.#trained, recipe: this.#recipe, validation: this.#validating.sums };
    }
    const { weights } = this.#start;
    const zeros = () =>
      Object.fromEntries(
        Object.entries(weights).map(([name, { data }]) => [name, new Float32Array(data.length)]),
      );
    const optimizer = { step: 0, m: zeros(), v: zeros() };
    const phase = this.#distilled ? "removal" : "control";
    const lookDue = this.#recipe.evaluateEvery > 0;
    return { ...this.#state(phase, { weights, optimizer }, this.#untouched), lookDue };
  }

  /** False where it was cut off; the checkpoint does it again from its first batch. */
  async *#evaluate(model: Contender, contender: HostModel): AsyncGenerator<RunEvent, boolean> {
    const lnFree = model === "frozen" || model === "folded";
    const advice = lnFree ? REMOVAL_ADVICE : DIVERGED_ADVICE;
    const whole = yield* this.#validating.evaluate(
      model,
      contender,
      model === "original" ? undefined : advice,
    );
    if (!whole) yield { type: "checkpoint", state: this.#stateInValidation(), reason: "stop" };
    return whole;
  }

  async *#firstPosition(of: "original" | "frozen", model: HostModel): AsyncGenerator<RunEvent, void> {
    const options = { recipe: this.#recipe, train: this.#input.corpus.train, of };
    const event = await this.#onDevice(model, (device) => measureFirstPosition(device, options));
    if (event) yield event;
  }

  async *#stds(model: "original" | "frozen", contender: HostModel): AsyncGenerator<RunEvent, void> {
    const stds = await this.#onDevice(contender, (device) =>
      measureModel(device, this.#validation, { ...this.#sizes(1), batches: 8 }),
    );
    yield { type: "stds", model, stds };
  }

  async *#sample(model: SampleEvent["model"], contender: HostModel): AsyncGenerator<RunEvent, void> {
    const { tokenizer } = this.#input.model;
    const { prompt } = this.#input;
    if (!tokenizer || prompt === undefined) return;
    const text = await this.#onDevice(contender, (device) =>
      sampleText(device, tokenizer, prompt, this.#recipe.seed),
    );
    yield { type: "sample", model, prompt, text };
  }

  #sizes(batches: number) {
    const { microBatchSize, blockSize } = this.#recipe;
    return { batchSize: batches * microBatchSize, blockSize };
  }

  /** Puts a model on the backend for as long as `use` takes. */
  async #onDevice<X>(model: HostModel, use: (device: Model) => Promise<X>): Promise<X> {
    const params = uploadWeights(this.#input.backend, model.weights);
    try {
      return await use({ ...model, params });
    } finally {
      freeParams(params);
    }
  }
}
