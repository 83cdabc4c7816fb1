/**
 * How large the first position is in a model. In GPT-2 its residual is tens of times that of the others from block 3 or so
 * on, and attention uses it as a sink; such a model loses its norms otherwise than one without, and not every recipe is
 * good for both. Measured before the first update, so that a run can say so, and at the end, to see what became of it.
 */
import { type Gpt2Config, type Model, moduleOf, type NormModule, type NormSite } from "@normless/gpt2";
import { batchAt, batchRows } from "@normless/text";
import type { FirstPositionEvent } from "../events.js";
import { ActivationMeter, type LayerAttention, measureStds, observe } from "@normless/evaluate";
import type { RemovalRecipe } from "../recipe/recipe.js";

/** From so many times the std of the rest on, a first position counts as a sink. GPT-2's are at 20 and above. */
export const SINK_RATIO = 5;

/** Rows of the training text to measure on. */
const ROWS = 4;

/** The norm modules of the middle half of the blocks, where a sink is in full growth in GPT-2s of all sizes. */
export function middleModules({ layers }: Pick<Gpt2Config, "layers">): NormModule[] {
  const from = Math.floor(layers / 4);
  const to = Math.max(from + 1, Math.ceil((3 * layers) / 4));
  return Array.from({ length: to - from }, (_, i): NormSite[] => [
    `h.${from + i}.ln_1:v`,
    `h.${from + i}.ln_2`,
  ])
    .flat()
    .map(moduleOf);
}

/** The middle one, or the mean of the middle two. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** Which text is measured on, and of which model. */
export interface FirstPositionOptions {
  readonly recipe: RemovalRecipe;
  readonly train: Uint16Array;
  /** Which model of the run it is. Default: the original. */
  readonly of?: FirstPositionEvent["model"];
}

/** What the event says; undefined where rows of one token have nothing but a first position. */
export async function measureFirstPosition(
  model: Model,
  { recipe, train: tokens, of = "original" }: FirstPositionOptions,
): Promise<FirstPositionEvent | undefined> {
  const { blockSize, microBatchSize, seed } = recipe;
  const batch = batchAt({ tokens, batchSize: ROWS, blockSize, seed, step: 0 });
  const parts = function* () {
    for (let row = 0; row < ROWS; row += microBatchSize) {
      yield batchRows(batch, row, Math.min(microBatchSize, ROWS - row));
    }
  };
  const stds = await measureStds(model, parts());
  if (stds["ln_f"].count.rest === 0) return undefined;
  const ratios = Object.fromEntries(
    Object.entries(stds).map(([module, { mean }]) => [module, mean.first / mean.rest] as const),
  );
  const ratio = median(middleModules(model.config).map((module) => ratios[module]));
  const meter = new ActivationMeter(`the ${of} model`);
  let sequence = 0;
  for (const part of parts()) {
    meter.add(await observe(model, part), { ...part, sequence });
    sequence += part.B;
  }
  const sink = ratio >= SINK_RATIO;
  const fails = of === "original" && sink ? recipe.failsOnSink : undefined;
  return {
    ...{ type: "first-position", model: of, ratio, ratios, attention: meter.layers(), sink },
    ...(fails && { fails }),
  };
}

/** Mean attention to the first position in the later half of the layers. */
export function laterAttention(layers: readonly LayerAttention[]): number {
  const later = layers.slice(Math.floor(layers.length / 2));
  return later.reduce((sum, { share }) => sum + share, 0) / later.length;
}

/** `the first position's std is 1.5 times that of the rest at the middle layers, and 4 % of the later layers' attention goes there`. */
export function describeFirstPosition({
  ratio,
  attention,
  sink,
}: Pick<FirstPositionEvent, "ratio" | "attention" | "sink">): string {
  const times = Number(ratio.toPrecision(2));
  const percent = Number((laterAttention(attention) * 100).toPrecision(2));
  const what =
    `the first position's std is ${times} times that of the rest at the middle layers, ` +
    `and ${percent} % of the later layers' attention goes there`;
  return sink ? `${what}: a sink` : what;
}

/** Why not to take this recipe for this model, and which to take; undefined where nothing speaks against it. */
export function sinkWarning(
  { fails }: FirstPositionEvent,
  { name }: Pick<RemovalRecipe, "name">,
): string | undefined {
  return fails && `${name} does badly on a model with a sink: ${fails.how}. Take ${fails.instead} there`;
}
