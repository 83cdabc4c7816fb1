/** One of a run's two trainings: from the original's weights, or from a checkpoint, to its last update. */
import { downloadWeights, type HostModel, type WeightsInMemory } from "@normless/gpt2";
import { DIVERGED_ADVICE, type StepResult, Trainer } from "@normless/train";
import type { Phase, RunEvent, StepEvent } from "../events.js";
import { type Removing, startRemoving } from "../removing/index.js";
import type { RunState } from "../state.js";
import type { Validating } from "../validation/validating.js";
import { Control } from "./control.js";
import type { Given } from "./given.js";
import type { Standing } from "./standing.js";

/** What to do where a removal has diverged. */
export const REMOVAL_ADVICE = `${DIVERGED_ADVICE} or widen the gaps`;

/** What a training needs of its run. */
export interface Running {
  readonly given: Given;
  readonly standing: Standing;
  readonly validating: Validating;
  /** Since this process began the run. */
  readonly seconds: () => number;
}

/** What a training made. */
export interface Trained {
  readonly model: HostModel<WeightsInMemory>;
  /** Tokens that were looked at without being trained on. */
  readonly probedTokens: number;
}

/** Undefined when it was stopped; what to go on from is in its last event then. */
export async function* train(
  phase: Phase,
  { given, standing, validating, seconds }: Running,
): AsyncGenerator<RunEvent, Trained | undefined> {
  const { recipe, corpus, signal, start } = given;
  const resume = given.resume?.phase === phase ? given.resume : undefined;
  standing.trained = resume;
  const removing = phase === "removal" ? startRemoval(given, standing, resume) : undefined;
  const way = removing ?? new Control(recipe, resume?.removal ?? standing.untouched);
  const trainer = await trainerFor(phase, given, resume);
  try {
    if (resume) trainer.load(resume);
    const begin = performance.now();
    const firstStep = trainer.step;
    let lookDue = resume ? (resume.lookDue ?? false) : recipe.evaluateEvery > 0;
    const checkpoint = async () => standing.inTraining(phase, await trainer.save(), way.state, lookDue);
    for (;;) {
      if (lookDue) {
        const look = await validating.look(phase, trainer, way.state.norms);
        if (!look) {
          yield { type: "checkpoint", state: await checkpoint(), reason: "stop" };
          return undefined;
        }
        yield look;
        lookDue = false;
        if (standing.trained) standing.trained = { ...standing.trained, lookDue };
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
        if (phase === "control") standing.controlLosses.push(result.loss);
        way.after(result);
        const trained = (step - firstStep) * recipe.batchSize * recipe.blockSize;
        const tokensPerSecond = (trained / (performance.now() - begin)) * 1000;
        yield stepEvent(phase, result, { tokensPerSecond, seconds: seconds() });
      }
      if (due || signal?.aborted) {
        const state = await checkpoint();
        if (last) standing.trained = state;
        yield { type: "checkpoint", state, reason: signal?.aborted ? "stop" : "schedule" };
        if (signal?.aborted) return undefined;
      }
    }
    const { norms, probedTokens } = way.state;
    const model = { config: start.config, weights: await downloadWeights(trainer.params), norms };
    return { model, probedTokens };
  } finally {
    trainer.free();
  }
}

function startRemoval(
  { recipe, planned, corpus }: Given,
  { untouched }: Standing,
  resume: RunState | undefined,
): Removing {
  const state = resume?.removal ?? untouched;
  return startRemoving({ recipe, model: planned, train: corpus.train, state });
}

function trainerFor(phase: Phase, given: Given, resume: RunState | undefined): Promise<Trainer> {
  const { backend, recipe, recompute, start, original, distilled } = given;
  return Trainer.create(backend, start.config, resume?.weights ?? start.weights, recipe, {
    recompute,
    teacher: distilled ? start.weights : undefined,
    teacherNorms: original.norms,
    advice: phase === "removal" ? REMOVAL_ADVICE : undefined,
  });
}

function stepEvent(
  phase: Phase,
  { step, loss, auxiliary, gradNorm, learningRate }: StepResult,
  timings: Pick<StepEvent, "tokensPerSecond" | "seconds">,
): StepEvent {
  return {
    type: "step",
    phase,
    step,
    loss,
    ...(auxiliary !== undefined && { auxiliary }),
    gradNorm,
    learningRate,
    ...timings,
  };
}
