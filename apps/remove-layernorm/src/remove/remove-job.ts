/** One run of `normless remove`: the core's events to the terminal, the run folder and the models it ends with. */
import { join } from "node:path";
import { type LoadedModel, toEps1e12 } from "@normless/gpt2";
import type { Backend } from "@normless/tensor";
import {
  type ControlEvent,
  controlSteps,
  describeChanges,
  describeFirstPosition,
  describeRemoval,
  type DoneEvent,
  type LossWatch,
  type PlanEvent,
  removeLayerNorm,
  type RunEvent,
  type RunState,
  sinkWarning,
} from "@normless/removal";
import { rowKindNames } from "@normless/evaluate";
import { messageOf } from "../errors.js";
import { epsErrors, outputsOf, tooLarge, writeChecked } from "../export/export-job.js";
import { isWhole, noStockForm } from "../terminal/extent.js";
import { costText, lossName } from "../terminal/format.js";
import { type Io, breathe } from "../terminal/io.js";
import { listenForInterrupt, type Stopped } from "../terminal/interrupt.js";
import { watchEvent, watchFolder } from "../run-folder/loss-history.js";
import { metricsLine, readMetrics } from "../run-folder/metrics.js";
import { controlCard, modelCard } from "./model-card.js";
import { Progress } from "../terminal/progress.js";
import { type ReportData, reportData } from "../report/data.js";
import { renderRun } from "../report/run-page.js";
import type { RemoveConfig } from "../run-folder/run-config.js";
import { CONTROL, LN_FREE, PARTLY, REPORT, STOCK, SUMMARY, TENSORBOARD } from "../run-folder/run-files.js";
import type { RunFolder } from "../run-folder/run-folder.js";
import type { RunSummary } from "../run-folder/summary.js";
import { tensorboardWriter } from "../tensorboard/tensorboard.js";
import type { Work } from "../terminal/time-left.js";

export interface RemoveJob {
  readonly backend: Backend;
  readonly model: LoadedModel;
  readonly corpus: { readonly train: Uint16Array; readonly validation: Uint16Array };
  readonly recipe: RunState["recipe"];
  readonly prompt: string;
  readonly recompute?: boolean | undefined;
  /** Metrics as TensorBoard's event files, too. */
  readonly tensorboard?: boolean | undefined;
  readonly resume?: RunState | undefined;
  /** The recipe that a resumed run goes on with; `recipe` by default. */
  readonly changed?: RunState["recipe"] | undefined;
  /** Makes or reopens the run folder, once the plan is known to be good. */
  openFolder(): Promise<RemoveFolder>;
}

type RemoveFolder = RunFolder<RunState, RemoveConfig>;

/** A run's plan, and what it came to. */
export interface Removed extends DoneEvent {
  readonly plan: PlanEvent;
}

/** The result, or how it was stopped; then a checkpoint is saved. */
export async function runRemove(io: Io, job: RemoveJob): Promise<Removed | Stopped> {
  const interrupt = listenForInterrupt(io, (what) => progress?.say(what));
  const events = removeLayerNorm({ ...job, signal: interrupt.signal });
  let progress: Progress | undefined;
  try {
    const first = await events.next();
    if (first.done || first.value.type !== "plan") throw new Error("the run did not begin with its plan");
    const plan = first.value;
    const folder = await job.openFolder();
    const { events: told } = await readMetrics(folder.path);
    const line = metricsLine(plan);
    if (line && !told.some(({ type }) => type === "plan")) await folder.appendMetrics(line);
    progress = new Progress(io, workOf(plan, job.resume), lossName(plan.recipe));
    const distilled = plan.recipe.loss === "distillation";
    const watch = await watchFolder(folder.path, { distilled });
    await folder.dropCheckpoints((at) => watch.soundAt(at));
    const consumer = new Consumer(plan, progress, folder, watch);
    const board = job.tensorboard
      ? tensorboardWriter(join(folder.path, TENSORBOARD), () => io.now())
      : undefined;
    for await (const event of events) {
      await consumer.take(event);
      await board?.take(event);
      if (event.type === "control") await writeControl(folder, { plan, control: event }, job);
      await breathe();
      if (event.type !== "done") continue;
      progress.stop();
      await writeResults(io, folder, { plan, done: event }, job);
      return { ...event, plan };
    }
    return interrupt.stopped;
  } finally {
    progress?.stop();
    interrupt.release();
  }
}

/** Tokens that are still to be worked on. */
export function workOf({ recipe, validationTargets }: PlanEvent, resume?: RunState): Work {
  const perStep = recipe.batchSize * recipe.blockSize;
  const control = controlSteps(recipe);
  const left = resume?.phase === "removal" ? recipe.steps : recipe.steps + control;
  const contenders = [
    "original",
    ...(control > 0 ? (["control"] as const) : []),
    "frozen",
    "folded",
  ] as const;
  const unknown = contenders.filter((model) => resume?.validation[model] === undefined);
  return {
    train: (left - (resume?.step ?? 0)) * perStep,
    evaluate: unknown.reduce((sum, model) => sum + validationTargets[model], 0),
  };
}

/** Updates of all phases together. */
function updatesDone({ phase, step, controlLosses }: RunState): number {
  return phase === "control" ? step : controlLosses.length + step;
}

class Consumer {
  #evaluated = 0;

  constructor(
    readonly plan: PlanEvent,
    readonly progress: Progress,
    readonly folder: RemoveFolder,
    readonly watch: LossWatch,
  ) {}

  async take(event: RunEvent): Promise<void> {
    const { progress, folder } = this;
    const { recipe } = this.plan;
    const { steps, batchSize, blockSize } = recipe;
    const line = metricsLine(event);
    if (line) await folder.appendMetrics(line);
    watchEvent(this.watch, event);
    switch (event.type) {
      case "step":
        return progress.step(event, steps, batchSize * blockSize);
      case "progress":
        progress.evaluated(event.what, event.done - this.#evaluated);
        this.#evaluated = event.done;
        return;
      case "eval":
        this.#evaluated = 0;
        return progress.note(
          `${event.model}: validation cross-entropy ${event.loss.toFixed(4)} nats/token`,
          `${event.model} ${event.loss.toFixed(4)}`,
        );
      case "look": {
        progress.passed();
        const kls = event.kinds.map(({ kind, all }) => `${rowKindNames[kind]} ${all.kl?.toFixed(4)}`);
        return progress.note(
          `step ${event.step}: ${event.failed ?? `KL from the original, nats/token: ${kls.join("; ")}`}`,
          event.failed === undefined ? "looked" : "no number",
        );
      }
      case "removal": {
        const { step, removal, damage } = event;
        const what = `removed ${describeRemoval(removal)}`;
        const cost = damage === undefined ? "" : ` (${costText(damage, lossName(recipe))})`;
        return progress.note(`step ${step}: ${what}${cost}`, `${what}${cost}`);
      }
      case "change":
        return progress.note(`step ${event.step}: from here on ${describeChanges(event.changes)}`);
      case "first-position": {
        const what =
          event.model === "original"
            ? describeFirstPosition(event)
            : `after the removal, ${describeFirstPosition(event)}`;
        const warning = sinkWarning(event, recipe);
        return warning === undefined ? progress.note(what) : progress.say(`${what}. ${warning}`);
      }
      case "checkpoint": {
        const sound = (updates: number) => this.watch.soundAt(updates);
        const path = await folder.saveCheckpoint(updatesDone(event.state), event.state, sound);
        progress.passed();
        return progress.note(`saved ${path}`, "saved");
      }
      case "plan":
      case "stds":
      case "sample":
      case "fold":
      case "control":
      case "done":
        return progress.passed();
    }
  }
}

/** Validation tokens that what was written is checked on: the logits of all of them are held at once. */
const CHECKED_TOKENS = 512;

/** The control, as soon as it is there: a checkpoint of the removal, which comes next, has no other weights than its own. */
async function writeControl(
  folder: RemoveFolder,
  { plan, control: { model, validation } }: { readonly plan: PlanEvent; readonly control: ControlEvent },
  { backend, corpus, model: original }: RemoveJob,
): Promise<void> {
  const { tokenizerFiles } = original;
  const card = controlCard({ plan, validation, provenance: folder.config.provenance });
  const tokens = corpus.validation.subarray(0, CHECKED_TOKENS + 1);
  const expected = { backend, before: await outputsOf(backend, model, tokens), tokens };
  const written = { ...model, tokenizerFiles, modelCard: card };
  // A run that goes on from before here writes it again.
  await writeChecked(expected, join(folder.path, CONTROL), written, { overwrite: true });
}

/** The models, the report, and last the summary: a folder that has one holds a finished run. */
async function writeResults(
  io: Io,
  folder: RemoveFolder,
  { plan, done }: { readonly plan: PlanEvent; readonly done: DoneEvent },
  { backend, corpus, model }: RemoveJob,
): Promise<void> {
  const { frozen, folded } = done;
  const { tokenizerFiles } = model;
  const { config } = folder;
  const summary: RunSummary = {
    ...done.summary,
    recipe: plan.recipe,
    provenance: { ...config.provenance, ended: io.now().toISOString() },
  };
  const { validation, provenance } = summary;
  // The events from the metrics, since an earlier process may have done a part of the run.
  const { events } = await readMetrics(folder.path);
  const data = reportData({ provenance, events, summary });
  const facts = { plan, validation, provenance, changes: data.changes };
  const tokens = corpus.validation.subarray(0, CHECKED_TOKENS + 1);
  const before = await outputsOf(backend, frozen, tokens);
  const whole = isWhole(plan.sites);
  const refusal = noStockForm(plan.sites, frozen) ?? tooLarge(epsErrors(frozen, before));
  if (refusal !== undefined) io.err(`there is no ${STOCK}/ of this model: ${refusal}\n`);
  const forms = [
    { name: whole ? LN_FREE : PARTLY, lnFree: folded, modelCard: modelCard("folded", facts) },
    ...(refusal === undefined
      ? [{ name: STOCK, lnFree: toEps1e12(frozen), modelCard: modelCard("gpt2", facts) }]
      : []),
  ];
  for (const { name, lnFree, modelCard } of forms) {
    const written = { ...lnFree, tokenizerFiles, modelCard };
    // What a run that was stopped here may have left is this run's own.
    await writeChecked({ backend, before, tokens }, join(folder.path, name), written, { overwrite: true });
  }
  await writeReport(io, folder, data);
  await folder.writeJson(SUMMARY, summary);
}

/** Metrics that were damaged may not be enough for one, and are no reason to do without the rest. */
async function writeReport(io: Io, folder: RemoveFolder, data: ReportData): Promise<void> {
  let page: string;
  try {
    page = renderRun(data);
  } catch (error) {
    io.err(`there is no ${REPORT} of this run: ${messageOf(error)}\n`);
    return;
  }
  await folder.writeText(REPORT, page);
}
