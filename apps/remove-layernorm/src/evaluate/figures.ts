/** What the measured models come to: means with intervals, and differences to the first model. */
import { Bootstrap, type BootstrapOptions, type Estimate, type Groups } from "@normless/statistics";
import { type PositionFigures, positionFigures } from "@normless/evaluate";
import type { Inputs, ModelResult, TokenQuantiles } from "./measure.js";

/** A figure of a model, and how far it is from that of the first. */
export interface Figure extends Estimate {
  /** On the same sequences or items: the interval is of the difference itself. */
  readonly toFirst?: Estimate | undefined;
}

export interface CorpusFigures {
  readonly model: string;
  readonly data: string;
  /** Nats a token. */
  readonly loss: Figure;
  readonly perplexity: number;
  readonly quantiles: TokenQuantiles;
  readonly targets: number;
  /** Nats and targets of each sequence, in order. */
  readonly sequences: { readonly nats: readonly number[]; readonly targets: readonly number[] };
  /** By what a row starts with and position, on a part of the text; KL is from the first model. */
  readonly positions?: PositionFigures | undefined;
}

export interface HellaswagFigures {
  readonly model: string;
  readonly scoring: string;
  /** Shares of the items, 0 to 1. */
  readonly acc: Figure;
  readonly accNorm: Figure;
  /** Nats and tokens of each ending, item by item. */
  readonly endings: readonly { readonly nats: number; readonly tokens: number }[];
}

export interface LambadaFigures {
  readonly model: string;
  /** Share of the passages, 0 to 1. */
  readonly accuracy: Figure;
  /** Of the last word: exp of the mean of its nats, all its tokens together. */
  readonly perplexity: Figure;
  readonly words: readonly { readonly nats: number; readonly tokens: number; readonly greedy: boolean }[];
}

export interface Figures {
  /** Corpus by corpus, model by model. */
  readonly corpora: readonly CorpusFigures[];
  /** Way by way of scoring, model by model. */
  readonly hellaswag: readonly HellaswagFigures[];
  readonly lambada: readonly LambadaFigures[];
}

export function figuresOf(
  inputs: Inputs,
  models: readonly ModelResult[],
  options: BootstrapOptions,
): Figures {
  const corpora = inputs.corpora.flatMap(({ file }, i) => {
    const results = models.map((model) => model.corpora[i]);
    const loss = figuresFor([results.map(({ sequences }) => sequences)], options);
    const measured = results.flatMap(({ positions }) => (positions ? [positions] : []));
    const positions = measured.length > 0 ? positionFigures(measured, options) : [];
    return results.map(({ sequences, quantiles }, m): CorpusFigures => {
      const mean = loss(0, m);
      const targets = Array.from(sequences.counts);
      return {
        model: models[m].name,
        data: file,
        loss: mean,
        perplexity: Math.exp(mean.value),
        quantiles,
        targets: targets.reduce((a, b) => a + b, 0),
        sequences: { nats: Array.from(sequences.sums), targets },
        ...(m in positions && { positions: positions[m] }),
      };
    });
  });
  const hellaswag = models[0].hellaswag.flatMap(({ scoring }, i) => {
    const results = models.map((model) => model.hellaswag[i]);
    const figure = figuresFor(
      [results.map(({ acc }) => acc), results.map(({ accNorm }) => accNorm)],
      options,
    );
    return results.map(({ scores }, m): HellaswagFigures => ({
      model: models[m].name,
      scoring,
      acc: figure(0, m),
      accNorm: figure(1, m),
      endings: scores,
    }));
  });
  return { corpora, hellaswag, lambada: lambadaFigures(models, options) };
}

function lambadaFigures(models: readonly ModelResult[], options: BootstrapOptions): LambadaFigures[] {
  const all = models.flatMap(({ name, lambada }) => (lambada ? [{ name, words: lambada }] : []));
  if (all.length === 0) return [];
  const perWord = (values: number[]): Groups => ({ sums: values, counts: values.map(() => 1) });
  const right = all.map(({ words }) => perWord(words.map(({ greedy }) => Number(greedy))));
  const nats = all.map(({ words }) => perWord(words.map((word) => word.nats)));
  const figure = figuresFor([right, nats], options);
  return all.map(({ name, words }, m) => ({
    model: name,
    accuracy: figure(0, m),
    perplexity: figure(1, m, Math.exp),
    words,
  }));
}

/**
 * Figures from one bootstrap of several measures, each of all models: `measures[k][m]` is measure k of model m.
 * The result gives that of a mean, or of what `of` makes of it.
 */
function figuresFor(measures: readonly (readonly Groups[])[], options: BootstrapOptions) {
  const bootstrap = new Bootstrap(measures.flat(), options);
  return (k: number, m: number, of = (mean: number) => mean): Figure => {
    const first = k * measures[0].length;
    const figure = bootstrap.estimate((means) => of(means[first + m]));
    if (m === 0) return figure;
    return { ...figure, toFirst: bootstrap.estimate((means) => of(means[first + m]) - of(means[first])) };
  };
}
