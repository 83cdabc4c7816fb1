/**
 * The removal that paces itself: the norm whose freezing does the least damage goes next, once the loss is back at the
 * control's on the same batches. A removal that makes the loss diverge is taken back, and waits longer than the others.
 */
import type { NormTable } from "@normless/gpt2";
import type { RemovalEvent, RollbackEvent } from "../events.js";
import { batchNats } from "../nats.js";
import { applyRemoval, describeRemoval, type Removal } from "../plan.js";
import type { AdaptivePace } from "../recipe.js";
import { sitesToGo } from "../sites.js";
import type { StepResult } from "../step-result.js";
import { type DivergedError, rows, type StepOptions, type Trainer } from "../trainer.js";
import { finiteCost } from "./cost.js";
import { gentlest, type Measured } from "./gentlest.js";
import {
  type AdaptiveState,
  type RemovalContext,
  type RemovalState,
  type Removing,
  updateAverages,
} from "./removing.js";

type Candidate = Exclude<Removal, { kind: "taper" }>;

interface Chosen {
  readonly candidate: Candidate;
  /** Not measured where it goes whatever it costs. */
  readonly damage?: number;
}

export class AdaptiveRemoving implements Removing {
  readonly #context: RemovalContext;
  readonly #pace: AdaptivePace;
  #state: RemovalState;
  #adaptive: AdaptiveState;

  constructor(context: RemovalContext, pace: AdaptivePace) {
    this.#context = context;
    this.#pace = pace;
    this.#state = context.state;
    this.#adaptive = context.state.adaptive ?? {
      last: pace.start,
      waiting: {},
      damages: {},
    };
  }

  get state(): RemovalState {
    return { ...this.#state, adaptive: this.#adaptive };
  }

  /** From the start on, every loss counts at once. */
  due(step: number): boolean {
    return step >= this.#pace.start;
  }

  async before(trainer: Trainer): Promise<RemovalEvent[]> {
    const { step } = trainer;
    const { start, margin, deadline } = this.#pace;
    const { gap = 0, last, waiting } = this.#adaptive;
    const left = step < start ? [] : this.#candidates(step);
    if (left.length === 0) return [];
    if (step >= deadline) {
      return this.#remove(
        trainer,
        left.map((candidate) => ({ candidate })),
      );
    }

    // What is left shares out the time that is left.
    const due = step >= last + (deadline - last) / left.length;
    const free = left.filter((candidate) => (waiting[describeRemoval(candidate)]?.until ?? 0) <= step);
    if (free.length === 0 || !(due || gap <= margin)) return [];
    return this.#remove(trainer, await this.#choose(trainer, free));
  }

  options(): StepOptions {
    const { auxiliaryWeight, constants } = this.#context.recipe;
    const stds = constants.from.kind === "training";
    return { norms: this.#state.norms, auxiliaryWeight, measure: { stds } };
  }

  after(trainer: Trainer, result: StepResult): Promise<RollbackEvent[]> {
    const { keep, margin, diverged, start } = this.#pace;
    const averages = updateAverages(this.#state.averages, result, this.#context.recipe);
    this.#state = { ...this.#state, averages };
    const done = result.step - 1;
    if (done < start) return Promise.resolve([]);
    const above = result.loss - this.#context.control[done];
    const { gap: before = above } = this.#adaptive;
    const gap = keep * before + (1 - keep) * above;
    this.#adaptive = { ...this.#adaptive, gap };
    if (gap <= margin) this.#forget();
    if (above <= diverged) return Promise.resolve([]);
    const event = this.#goBack(trainer, result.step, `${above.toFixed(2)} nats above the control`);
    return Promise.resolve(event ? [event] : []);
  }

  rollBack(trainer: Trainer, error: DivergedError): RollbackEvent | undefined {
    return this.#goBack(trainer, error.step, error.message);
  }

  /** By their damage on the first sequences of the coming batch. */
  async #choose(trainer: Trainer, removals: readonly Candidate[]): Promise<Measured<Candidate>[]> {
    const { config, params } = trainer;
    const { norms, averages } = this.#state;
    const { recipe, train } = this.#context;
    const sequences = Math.min(this.#pace.probeSequences, recipe.batchSize);
    const [first] = trainer.rows(train);
    const batch = rows(first, 0, sequences);
    const tokens = batch.B * batch.T;
    let { probedTokens } = this.#state;
    const nats = async (table: NormTable) => {
      probedTokens += tokens;
      return (await batchNats({ config, params, norms: table }, batch)) / tokens;
    };
    const now = await nats(norms);
    const damages = { ...this.#adaptive.damages };
    const chosen = await gentlest(removals, {
      known: (candidate) => damages[describeRemoval(candidate)],
      measure: async (candidate) => {
        const without = applyRemoval(norms, candidate, averages, recipe.constants);
        return (damages[describeRemoval(candidate)] = finiteCost((await nats(without)) - now));
      },
      together: this.#pace.together,
    });
    this.#state = { ...this.#state, probedTokens };
    this.#adaptive = { ...this.#adaptive, damages };
    return chosen;
  }

  async #remove(trainer: Trainer, chosen: readonly Chosen[]): Promise<RemovalEvent[]> {
    const { step } = trainer;
    const { recipe } = this.#context;
    const { norms: before, averages } = this.#state;
    const { gap, damages } = this.#adaptive;
    const removed = chosen.map(({ candidate }) => describeRemoval(candidate));
    const events = chosen.map(({ candidate, damage }): RemovalEvent => {
      const norms = applyRemoval(this.#state.norms, candidate, averages, recipe.constants);
      this.#state = { ...this.#state, norms };
      const norm = candidate.kind === "freeze" ? norms[candidate.site] : undefined;
      const std = norm?.kind === "frozen" ? norm.std : undefined;
      const measured = damage === undefined ? {} : { damage };
      return { type: "removal", step, removal: candidate, ...measured, ...(std && { std }) };
    });
    this.#state = { ...this.#state, fallback: await trainer.save() };
    // The loss will rise by what was measured: waiting begins now, not when the smoothed loss has noticed.
    const damage = chosen.reduce((sum, { damage = 0 }) => sum + Math.max(0, damage), 0);
    this.#adaptive = {
      ...this.#adaptive,
      gap: (gap ?? 0) + damage,
      last: step,
      fallback: { step, gap, norms: before, damages, removed },
    };
    return events;
  }

  /** The weights as they were; the batches go on, so that what was lost counts. */
  #goBack(trainer: Trainer, step: number, why: string): RollbackEvent | undefined {
    const { fallback } = this.#state;
    const { fallback: to, waiting } = this.#adaptive;
    if (!fallback || !to) return undefined;
    if (step >= this.#pace.deadline) return undefined;
    trainer.load({ ...fallback, optimizer: { ...fallback.optimizer, step } });
    const longer = to.removed.map((name) => {
      const { patience } = waiting[name] ?? this.#pace;
      return [name, { until: step + patience, patience: 2 * patience }] as const;
    });
    this.#adaptive = {
      ...this.#adaptive,
      gap: to.gap,
      damages: to.damages,
      last: step,
      waiting: { ...waiting, ...Object.fromEntries(longer) },
    };
    this.#state = { ...this.#state, norms: to.norms };
    this.#forget();
    return { type: "rollback", step, to: to.step, removed: to.removed, why };
  }

  #forget(): void {
    const { fallback: _fallback, ...state } = this.#state;
    const { fallback: _to, ...adaptive } = this.#adaptive;
    this.#state = state;
    this.#adaptive = adaptive;
  }

  /** The norms that are still to go; when there are none, the special constants that are. */
  #candidates(step: number): Candidate[] {
    const { norms } = this.#state;
    const { recipe, model } = this.#context;
    const sites = sitesToGo(recipe, model).filter((site) => norms[site].kind === "standard");
    if (sites.length > 0) return sites.map((site) => ({ step, kind: "freeze", site }));
    return (["eot", "first"] as const)
      .filter((name) =>
        Object.values(norms).some((norm) => norm.kind === "frozen" && norm.std[name] !== norm.std.rest),
      )
      .map((positionClass) => ({ step, kind: "constant", positionClass }));
  }
}
