/** All norms together, by one gate that falls from LayerNorm to constant (TaperNorm 2026, arXiv 2602.10408). */
import { moduleOf, type NormTable } from "@normless/gpt2";
import {
  frozenNorm,
  meanOf,
  type MovingMean,
  pooled,
  taperedNorm,
  taperGate,
  taperStd,
  updateMovingMean,
} from "@normless/layernorm";
import type { RemovalEvent } from "../events.js";
import { plan } from "../recipe/plan.js";
import type { TaperPace } from "../recipe/recipe.js";
import { sitesToGo } from "../recipe/sites.js";
import type { StepOptions, StepResult, Trainer } from "@normless/train";
import { type BatchStds, measureForTaper, stdsOf, taperSumsOf } from "./measuring.js";
import type { RemovalContext, Removing } from "./removing.js";
import type { RemovalState } from "./state.js";

/** All norms by one gate. */
export class TaperRemoving implements Removing {
  readonly #context: RemovalContext;
  readonly #pace: TaperPace;
  #state: RemovalState;

  constructor(context: RemovalContext, pace: TaperPace) {
    this.#context = context;
    this.#pace = pace;
    this.#state = context.state;
  }

  get state(): RemovalState {
    return this.#state;
  }

  due(step: number): boolean {
    return step === this.#pace.begin || step === this.#pace.end;
  }

  before({ step, config }: Trainer): Promise<RemovalEvent[]> {
    const { begin, end } = this.#pace;
    if (step < begin || step > end) return Promise.resolve([]);
    const gate = taperGate(step, this.#pace);
    const calibration = this.#state.taper?.calibration ?? {};
    const norm = (module: string) => {
      const std = taperStd(calibration[module]);
      return gate === 0 ? frozenNorm(std) : taperedNorm({ eps: config.eps, gate, std });
    };
    const going = sitesToGo(this.#context.recipe, this.#context.model);
    const norms: NormTable = {
      ...this.#state.norms,
      ...Object.fromEntries(going.map((site) => [site, norm(moduleOf(site))])),
    };
    this.#state = { ...this.#state, norms };
    const edges = plan(this.#context.recipe, this.#context.model).filter((removal) => removal.step === step);
    return Promise.resolve(edges.map((removal) => ({ type: "removal", step, removal })));
  }

  /** The auxiliary loss begins with the taper: its target is the scale that was there before. */
  options(step: number): StepOptions {
    const { norms, taper } = this.#state;
    if (step < this.#pace.begin) {
      return { norms, auxiliaryWeight: 0, measure: measureForTaper };
    }
    const auxiliaryTarget = taper?.scale && meanOf(taper.scale);
    return { norms, auxiliaryWeight: this.#context.recipe.auxiliaryWeight, auxiliaryTarget };
  }

  after(result: StepResult): void {
    const sums = taperSumsOf(result);
    if (Object.keys(sums).length === 0) return;
    const { keep } = this.#pace;
    const { calibration = {}, scale } = this.#state.taper ?? {};
    const entries = Object.entries(sums).map(([module, { numerator, denominator }]) => {
      const before = calibration[module];
      const average = {
        numerator: updateMovingMean(before?.numerator, numerator, keep),
        denominator: updateMovingMean(before?.denominator, denominator, keep),
      };
      return [module, average] as const;
    });
    const after = {
      calibration: Object.fromEntries(entries),
      scale: updateScale(scale, stdsOf(result), keep),
    };
    this.#state = { ...this.#state, taper: after };
  }
}

/** The mean std before ln_f, with that of another update: each token counts once, whatever micro-batch it was in. */
export function updateScale(scale: MovingMean | undefined, stds: BatchStds, keep: number): MovingMean {
  const finals = stds.map((microBatch) => pooled(microBatch["ln_f"]));
  const tokens = finals.reduce((sum, { count }) => sum + count.rest, 0);
  const mean = finals.reduce((sum, { mean, count }) => sum + mean.rest * (count.rest / tokens), 0);
  return updateMovingMean(scale, mean, keep);
}
