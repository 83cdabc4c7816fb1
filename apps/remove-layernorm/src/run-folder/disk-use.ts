/** What a run will write, in bytes: checkpoints and models; all else is small beside them. */
import { statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import {
  type LoadedModel,
  parameterCount,
  parameterShapes,
  untieHead,
  type WeightDtype,
} from "@normless/gpt2";
import { foldedNorm } from "@normless/layernorm";
import { sizeOf } from "@normless/tensor";
import { controlSteps, type PlanEvent } from "@normless/removal";
import { noStockForm } from "../terminal/extent.js";

export interface DiskUse {
  readonly checkpoint: number;
  /** All that the run ends with. */
  readonly models: number;
}

const FLOAT32 = 4;
/** Weights, and AdamW's two moments. */
const KEPT = 3;

export function removalDisk(
  { recipe, sites }: Pick<PlanEvent, "recipe" | "sites">,
  { norms, ...original }: Pick<LoadedModel, "config" | "weights" | "norms">,
): DiskUse {
  const { config, weights } = recipe.untieHead ? untieHead(original) : original;
  const parameters = parameterCount(weights);
  const after = { ...norms, ...Object.fromEntries(sites.going.map((site) => [site, foldedNorm])) };
  const tied = config.tied && after["ln_f"].kind !== "folded";
  const folded = countOf(parameterShapes({ ...config, tied }, { norms: after }));
  const stock = noStockForm(sites, { norms }) === undefined ? parameters : 0;
  const control = controlSteps(recipe) > 0 ? parameters : 0;
  return { checkpoint: KEPT * parameters * FLOAT32, models: (folded + stock + control) * FLOAT32 };
}

export function trainingDisk(
  config: LoadedModel["config"],
  norms: LoadedModel["norms"],
  dtype: WeightDtype,
): DiskUse {
  const parameters = countOf(parameterShapes(config, { norms }));
  const size = dtype === "F32" ? FLOAT32 : FLOAT32 / 2;
  return { checkpoint: KEPT * parameters * FLOAT32, models: parameters * size };
}

const countOf = (shapes: Readonly<Record<string, readonly number[]>>) =>
  Object.values(shapes).reduce((sum, shape) => sum + sizeOf(shape), 0);

/** Bytes that are free where a folder will be, whether it is there yet or not; undefined where the system does not tell. */
export async function freeBytes(folder: string): Promise<number | undefined> {
  for (let path = resolve(folder); ; path = dirname(path)) {
    const disk = await statfs(path).catch(() => undefined);
    if (disk) return disk.blocks > 0 ? disk.bavail * disk.bsize : undefined;
    if (dirname(path) === path) return undefined;
  }
}
