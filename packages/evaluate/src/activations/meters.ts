/** Sums over the batches of a text: the residual's norms by module, attention to the first position by layer. */
import { checkFinite, type FiniteText, type NormModule, OVERFLOW_ADVICE } from "@normless/gpt2";
import { POSITION_CLASSES, type PositionClass } from "@normless/tensor";
import { SINK_SHARE } from "./attention-sink.js";
import type { Observation } from "./observe.js";

/** How large the residual is that a norm module reads. */
export interface ModuleNorm {
  readonly module: NormModule;
  /** Mean L2 norm of the residual that the module reads, by position class; a class never seen is absent. */
  readonly mean: Readonly<Partial<Record<PositionClass, number>>>;
}

/** Of the queries of all heads; the first position's own query is left out, since it can attend to nothing else. */
export interface LayerAttention {
  readonly layer: number;
  /** Mean attention to the first position. */
  readonly share: number;
  /** How many of (head, query) have more than 0.3 of their attention there. */
  readonly sinkRate: number;
}

/** Sums over queries of all heads: attention to the first position, and how many are above SINK_SHARE. */
export interface SinkSums {
  share: number;
  sinks: number;
  queries: number;
}

const none = (): SinkSums => ({ share: 0, sinks: 0, queries: 0 });

/** Where a row of a batch is, for errors. */
type Place = Pick<FiniteText, "place">;

/** Of one model. */
export class ActivationMeter {
  readonly #norms = new Map<NormModule, Record<PositionClass, { sum: number; count: number }>>();
  readonly #layers: SinkSums[] = [];

  /** @param model how errors call it */
  constructor(readonly model: string) {}

  /**
   * Counts a batch of B sequences in, the first of which is `sequence` of all.
   * @returns the sums over layers of each sequence's attention
   * @throws NotFiniteError naming the model, the norm and the position
   */
  add(
    { norms, sinks, classes }: Observation,
    { B, T, sequence }: { readonly B: number; readonly T: number; readonly sequence: number },
  ): SinkSums[] {
    const place = (row: number) =>
      `position ${row % T} of sequence ${sequence + Math.floor(row / T)}, counted from 0`;
    for (const [module, lengths] of norms) this.#addNorms(module, { lengths, classes, place });
    const sequences = Array.from({ length: B }, none);
    sinks.forEach((shares, layer) => {
      this.#layers[layer] ??= none();
      const heads = shares.length / (B * T);
      for (let row = 0; row < B * T; row++) {
        if (row % T === 0) continue;
        for (const sums of [this.#layers[layer], sequences[Math.floor(row / T)]]) {
          for (const share of shares.subarray(row * heads, (row + 1) * heads)) {
            sums.share += share;
            sums.sinks += share > SINK_SHARE ? 1 : 0;
            sums.queries += 1;
          }
        }
      }
    });
    return sequences;
  }

  #addNorms(
    module: NormModule,
    {
      lengths,
      classes,
      place,
    }: Pick<Observation, "classes"> & Place & { readonly lengths: ArrayLike<number> },
  ): void {
    const what = `the norm of ${this.model}'s residual at ${module}`;
    checkFinite(lengths, { what, place, advice: OVERFLOW_ADVICE });
    const zero = () => ({ sum: 0, count: 0 });
    const sums = this.#norms.get(module) ?? { first: zero(), eot: zero(), rest: zero() };
    this.#norms.set(module, sums);
    for (let row = 0; row < lengths.length; row++) {
      const of = sums[POSITION_CLASSES[classes[row]]];
      of.sum += lengths[row];
      of.count += 1;
    }
  }

  /** In the order of the forward pass. */
  norms(): ModuleNorm[] {
    return [...this.#norms].map(([module, sums]) => {
      const seen = POSITION_CLASSES.filter((name) => sums[name].count > 0);
      const means = seen.map((name) => [name, sums[name].sum / sums[name].count] as const);
      return { module, mean: Object.fromEntries(means) };
    });
  }

  layers(): LayerAttention[] {
    return this.#layers.map(({ share, sinks, queries }, layer) => ({
      layer,
      share: queries === 0 ? 0 : share / queries,
      sinkRate: queries === 0 ? 0 : sinks / queries,
    }));
  }
}
