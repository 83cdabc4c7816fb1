/**
 * The run: a control and a removal, trained on the same batches with the same schedule, then validation, folding and
 * samples, as one stream of events. No files and no DOM: whoever consumes the events writes and draws.
 */
import { foldFrozen, gatherWeights, type HostModel } from "@normless/gpt2";
import { eotOf } from "@normless/evaluate";
import { checkMemory, DIVERGED_ADVICE } from "@normless/train";
import type { Contender, ControlEvent, DoneEvent, PlanEvent, RunEvent, ValidationLosses } from "../events.js";
import { plan } from "../recipe/plan.js";
import { extentOf } from "../recipe/sites.js";
import { Validating } from "../validation/validating.js";
import { checkedRun, type Given, type RunInput } from "./given.js";
import { firstPosition, foldDifference, sample, stds } from "./showing.js";
import { Standing } from "./standing.js";
import { REMOVAL_ADVICE, type Running, train, type Trained } from "./training.js";

/** @throws Error when the plan, the corpus or the checkpoint does not fit; before any work is done. */
export async function* removeLayerNorm(input: RunInput): AsyncGenerator<RunEvent, void> {
  const given = await checkedRun(input);
  const run = running(given);
  const { standing, validating } = run;
  const { backend, resume, changes, distilled, original } = given;
  await checkMemory(backend, {
    ...{ config: given.start.config, norms: original.norms },
    ...{ recipe: given.recipe, recompute: given.recompute ?? false, distilled },
  });
  yield planEvent(run);
  if (resume && changes.length > 0) {
    const { phase, step } = resume;
    const removals = plan(given.recipe, given.planned);
    yield { type: "change", phase, step, changes, recipe: given.recipe, removals };
  }
  if (!validating.knows("original")) {
    if (!(yield* evaluate(run, "original", original))) return;
    yield* firstPosition(given, "original", original);
    yield* stds(given, "original", original);
    yield* sample(given, "original", original);
  }
  if (!distilled && resume?.phase !== "removal") {
    const control = yield* train("control", run);
    if (!control || !(yield* evaluate(run, "control", control.model))) return;
    const validation = validating.losses as ControlEvent["validation"];
    yield { type: "control", model: control.model, validation };
  }
  const removed = yield* train("removal", run);
  if (!removed) return;
  const frozen = removed.model;
  // Computed once for all that looks at it: a training took more memory than both.
  const lazy = foldFrozen(frozen);
  const folded = { ...lazy, weights: await gatherWeights(lazy.weights) };
  // A run that was stopped while it validated the folded model has told all of this.
  if (!validating.knows("frozen")) {
    if (!(yield* evaluate(run, "frozen", frozen))) return;
    yield* firstPosition(given, "frozen", frozen);
    yield* stds(given, "frozen", frozen);
    yield* foldDifference(given, { folded, frozen });
  }
  if (!(yield* evaluate(run, "folded", folded))) return;
  standing.trained = undefined;
  yield* sample(given, "folded", folded);
  yield { type: "done", summary: summaryOf(run, removed), frozen, folded };
}

function running(given: Given): Running {
  const { backend, recipe, signal, resume, changes, original, corpus, model } = given;
  const begin = performance.now();
  const seconds = () => (performance.now() - begin) / 1000;
  const known = { ...resume?.validation };
  // What was validated of a training that now goes on otherwise.
  if (changes.length > 0) for (const model of ["frozen", "folded"] as const) delete known[model];
  const text = corpus.validation;
  const validating = new Validating({
    ...{ backend, recipe, signal, original, seconds },
    ...{ text, eot: eotOf(model), sums: known },
  });
  return { given, validating, seconds, standing: new Standing(given, validating) };
}

function planEvent({ given, validating }: Running): PlanEvent {
  const { backend, recipe, model, planned, corpus, resume } = given;
  return {
    type: "plan",
    recipe,
    config: model.config,
    removals: plan(recipe, planned),
    sites: extentOf(recipe, planned),
    trainTokens: corpus.train.length,
    ...validating.extent,
    backend: backend.description,
    ...(resume && { resumedAt: { phase: resume.phase, step: resume.step } }),
  };
}

/** False where it was cut off; the checkpoint does it again from its first batch. */
async function* evaluate(
  { standing, validating }: Running,
  model: Contender,
  contender: HostModel,
): AsyncGenerator<RunEvent, boolean> {
  const lnFree = model === "frozen" || model === "folded";
  const advice = model === "original" ? undefined : lnFree ? REMOVAL_ADVICE : DIVERGED_ADVICE;
  const whole = yield* validating.evaluate(model, contender, advice);
  if (!whole) yield { type: "checkpoint", state: await standing.inValidation(), reason: "stop" };
  return whole;
}

function summaryOf(
  { given, standing, validating, seconds }: Running,
  { probedTokens }: Trained,
): DoneEvent["summary"] {
  const { backend, recipe } = given;
  const { steps, batchSize, blockSize } = recipe;
  return {
    validation: validating.losses as ValidationLosses,
    validated: validating.figures,
    seconds: seconds(),
    tokens: (steps + standing.controlLosses.length) * batchSize * blockSize,
    probedTokens,
    peakBytes: backend.memory().peakBytes,
    backend: backend.description,
  };
}
