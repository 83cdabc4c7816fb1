/** What to do after a loss has diverged: from which checkpoint to go on, and with which change. */
import { NotFiniteError } from "@normless/gpt2";
import {
  changeRemoval,
  checkPlan,
  describeRemoval,
  GONE_NATS,
  type LossWatch,
  type Moment,
  type Onset,
  plan,
  type PlannedModel,
  type RemovalRecipe,
} from "@normless/removal";
import { DivergedError, RecipeError, type TrainingRecipe } from "@normless/train";
import { costText, lossName } from "../terminal/format.js";
import { watchFolder } from "./loss-history.js";
import { checkpointUpdates, resumeCommand } from "./run-folder.js";

/** A run that may have diverged. */
export interface Diverging {
  readonly command: "remove" | "train";
  readonly folder: string;
  readonly recipe: TrainingRecipe;
  /** Of a removal: its recipe, and the model that it began with. */
  readonly removal?: { readonly recipe: RemovalRecipe; readonly model: PlannedModel } | undefined;
}

/** Half of the rate, twice the gaps: as the published runs were helped. */
const RATE_FACTOR = 0.5;
const GAP_FACTOR = 2;

/** Whether a run's error is that of numbers that were lost in it. */
function isDivergence(error: unknown): boolean {
  return error instanceof DivergedError || error instanceof NotFiniteError;
}

/** Advice after an error, or after a stop (no error); undefined where the loss was where it should be. */
export async function divergenceAdvice(run: Diverging, error?: unknown): Promise<string | undefined> {
  if (error !== undefined && !isDivergence(error)) return undefined;
  const loss = run.removal ? lossName(run.removal.recipe) : "cross-entropy";
  const watch = await watchFolder(run.folder, { distilled: loss === "KL" });
  const onset = error === undefined ? watch.onset : watch.onsetOfFailure();
  if (!onset) return undefined;
  const saved = await checkpointUpdates(run.folder);
  const first = watch.updatesBefore(onset);
  const safe = saved.find((updates) => updates <= first && watch.soundAt(updates));
  return `${since(onset, watch, loss)}\n${ways(run, { onset, watch, safe, newest: saved[0] })}`;
}

/** What happened, and after what. */
function since({ phase, step, against, last }: Onset, watch: LossWatch, loss: string): string {
  const cost = last?.damage === undefined ? "" : `, ${costText(last.damage, loss)}`;
  const after = last ? `, after ${describeRemoval(last.removal)} had gone (step ${last.step}${cost})` : "";
  const which = phase === "train" ? `update ${step}` : `update ${step} of the ${phase}`;
  return watch.onset
    ? `The loss (${loss}) was more than ${GONE_NATS} nat above ${against} from ${which} on${after}.`
    : `It came at once, at ${which}${after}.`;
}

interface Known {
  readonly onset: Onset;
  readonly watch: LossWatch;
  /** Updates of the whole run, of the checkpoint to go back to. */
  readonly safe: number | undefined;
  readonly newest: number | undefined;
}

function ways(run: Diverging, { onset, watch, safe, newest }: Known): string {
  const rate = run.recipe.learningRate.peak * RATE_FACTOR;
  const slower = `--learning-rate ${Number(rate.toPrecision(4))}`;
  const moment = watch.momentOf(safe ?? 0);
  const wider = onset.phase === "removal" && run.removal ? widerGaps(run.removal, moment) : undefined;
  const half = "half the learning rate";
  const twice = "twice the gaps between what is still to go";
  if (safe === undefined) {
    // A new run's pace would be scaled along with more steps.
    const other = wider === undefined || wider.includes("--steps") ? "" : `, or twice the gaps, ${wider}`;
    return `No checkpoint is from before that. Begin again with ${half}, ${slower}${other}.`;
  }
  const resume = resumeCommand(run.command, run.folder);
  const from = safe === newest ? resume : `${resume} --checkpoint ${safe}`;
  const before = `The checkpoint of ${safe} updates is from before that; to go on from there with`;
  if (wider === undefined) return `${before} ${half}:\n  ${from} ${slower}`;
  return `${before} ${twice}:\n  ${from} ${wider}\nor with ${half}:\n  ${from} ${slower}`;
}

/** The options that widen the gaps, with as many updates after the last removal as before; undefined where none is left. */
function widerGaps({ recipe, model }: NonNullable<Diverging["removal"]>, moment: Moment): string | undefined {
  const removals = plan(recipe, model);
  const done = moment.phase === "control" ? -1 : moment.step;
  const last = removals.at(-1);
  if (recipe.pace.kind !== "fixed" || !last || last.step < done) return undefined;
  const wider = changeRemoval(recipe, { gapFactor: GAP_FACTOR }, moment);
  const option = `--gap-factor ${GAP_FACTOR}`;
  try {
    checkPlan(wider, model);
    return option;
  } catch (error) {
    if (!(error instanceof RecipeError)) throw error;
    const later = (plan(wider, model).at(-1)?.step ?? last.step) - last.step;
    return `${option} --steps ${recipe.steps + later}`;
  }
}
