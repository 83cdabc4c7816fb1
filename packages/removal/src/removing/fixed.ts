/** Removals at the steps of a plan, whatever the loss: the published recipes. */
import { type NormSite, replaceNorm } from "@normless/gpt2";
import { pooled, updateStdAverage } from "@normless/layernorm";
import { batchAt } from "@normless/text";
import type { RemovalEvent } from "../events.js";
import { measureStds as measureModelStds } from "@normless/evaluate";
import { applyRemoval, frozenAt, plan, type Removal, type StdAverages } from "../recipe/plan.js";
import type { StepOptions, StepResult, Trainer } from "@normless/train";
import { CostProbe } from "./cost.js";
import { measureStds } from "./measuring.js";
import { type RemovalContext, type Removing, updateAverages } from "./removing.js";
import type { RemovalState } from "./state.js";

/** Removals at the steps of a plan. */
export class FixedRemoving implements Removing {
  readonly #context: RemovalContext;
  readonly #removals: readonly Removal[];
  #state: RemovalState;

  constructor(context: RemovalContext) {
    this.#context = context;
    this.#removals = plan(context.recipe, context.model);
    this.#state = context.state;
  }

  get state(): RemovalState {
    return this.#state;
  }

  due(step: number): boolean {
    return this.#removals.some((removal) => removal.step === step) || this.#following().length > 0;
  }

  async before(trainer: Trainer): Promise<RemovalEvent[]> {
    const { constants } = this.#context.recipe;
    if (constants.from.kind === "original" && trainer.step === 0) {
      const averages = await this.#measureOriginal(trainer, constants.from.sequences);
      this.#state = { ...this.#state, averages };
    }
    this.#followMean();
    const probe = new CostProbe(trainer, this.#context.train);
    const events: RemovalEvent[] = [];
    for (const removal of this.#removals) {
      if (removal.step !== trainer.step || removal.kind === "taper") continue;
      const { averages, norms: before } = this.#state;
      const norms = applyRemoval(before, removal, averages, constants);
      const damage = await probe.cost(before, norms);
      this.#state = { ...this.#state, norms };
      const norm = removal.kind === "freeze" ? norms[removal.site] : undefined;
      const std = norm?.kind === "frozen" ? norm.std : undefined;
      events.push({ type: "removal", step: trainer.step, removal, damage, ...(std && { std }) });
    }
    const probedTokens = this.#state.probedTokens + probe.tokens;
    this.#state = { ...this.#state, probedTokens };
    return events;
  }

  options(): StepOptions {
    const { constants, auxiliaryWeight } = this.#context.recipe;
    const measure = constants.from.kind === "training" ? measureStds : undefined;
    return { norms: this.#state.norms, auxiliaryWeight, measure };
  }

  after(result: StepResult): void {
    const averages = updateAverages(this.#state.averages, result, this.#context.recipe);
    this.#state = { ...this.#state, averages };
  }

  /** On sequences from all over the training text, with the weights as they came. */
  async #measureOriginal(trainer: Trainer, sequences: number): Promise<StdAverages> {
    const { recipe, train: tokens } = this.#context;
    const { config, params } = trainer;
    const { blockSize, seed, constants } = recipe;
    const batch = batchAt({ tokens, batchSize: sequences, blockSize, seed, step: 0 });
    const stds = await measureModelStds({ config, params, norms: this.#state.norms }, [batch]);
    return Object.fromEntries(
      Object.entries(stds).map(([module, std]) => {
        const counted = constants.special === "none" ? pooled(std) : std;
        return [module, updateStdAverage(undefined, counted, 0)];
      }),
    );
  }

  /** Where a block's query/key path is frozen and its value path is still to be, and both are to share one constant. */
  #following(): NormSite[] {
    const { norms } = this.#state;
    if (!this.#context.recipe.constants.shareQkv) return [];
    const going = new Set(
      this.#removals.flatMap((removal) => (removal.kind === "freeze" ? [removal.site] : [])),
    );
    return [...going].filter((site) => {
      const value = site.replace(/:qk$/, ":v") as NormSite;
      return (
        value !== site &&
        going.has(value) &&
        norms[site].kind === "frozen" &&
        norms[value].kind === "standard"
      );
    });
  }

  /** There, the constant is the mean of now. */
  #followMean(): void {
    const { averages } = this.#state;
    let { norms } = this.#state;
    for (const site of this.#following()) {
      norms = replaceNorm(norms, site, frozenAt(site, averages, this.#context.recipe.constants));
    }
    this.#state = { ...this.#state, norms };
  }
}
