/** What the memory of a machine must hold for a model: its weights, and an update of one row at a time. */
import { type NormTable, standardNorms } from "@normless/gpt2";
import { removalRecipes } from "@normless/removal";
import { stepBytes } from "@normless/train";
import { type KnownShape, knownShape } from "../models/known-shape.js";
import { leastMemory } from "../run-folder/room.js";

export interface Needs {
  readonly model: string;
  readonly parameters: number;
  /** Tokens of a row. */
  readonly context: number;
  /** Bytes of the weights in float32, which every command but a dry look at a shape reads. */
  readonly weights: number;
  /** Bytes of tensors at the height of an update of one row, as each way of training takes them. */
  readonly update: Readonly<Record<"train" | "remove", Readonly<Record<"kept" | "recomputed", number>>>>;
}

const FLOAT32 = 4;

export async function needsOf(model: string): Promise<Needs> {
  const shape = await knownShape(model);
  const { config } = shape;
  const norms: NormTable = shape.norms ?? standardNorms(config);
  const { parameters } = leastMemory(config, norms);
  return {
    model,
    parameters,
    context: config.blockSize,
    weights: FLOAT32 * parameters,
    update: { train: await updates(shape, norms, false), remove: await updates(shape, norms, true) },
  };
}

async function updates({ config }: KnownShape, norms: NormTable, distilled: boolean) {
  const recipe = {
    ...removalRecipes.distilled,
    ...{ batchSize: 1, microBatchSize: 1, blockSize: config.blockSize },
  };
  const of = (recompute: boolean) => stepBytes({ config, norms, recipe, recompute, distilled });
  return { kept: await of(false), recomputed: await of(true) };
}
