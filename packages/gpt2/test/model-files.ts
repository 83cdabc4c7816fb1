/** A model's files in memory, and tensors to write as another program may have. */
import type { TensorEntry } from "@normless/safetensors";
import {
  gatherWeights,
  type LoadedModel,
  memoryFolder,
  modelFiles,
  type ModelToWrite,
  readModel,
  type Weights,
  type WeightsInMemory,
} from "../src/index.js";

export type Files = Readonly<Record<string, Uint8Array>>;

export async function filesOf(written: ModelToWrite): Promise<Files> {
  const files: Record<string, Uint8Array> = {};
  for (const { name, chunks } of modelFiles(written)) {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    files[name] = new Uint8Array(await new Blob(parts.map((part) => part.slice())).arrayBuffer());
  }
  return files;
}

/** The model that files hold, in a folder called m, with all its weights in memory. */
export async function readWhole(files: Files): Promise<LoadedModel<WeightsInMemory>> {
  const model = await readModel(memoryFolder("m", files));
  return { ...model, weights: await gatherWeights(model.weights) };
}

export const entriesOf = (weights: Weights, rename = (name: string) => name): TensorEntry[] =>
  Object.entries(weights).map(([name, { shape, data }]) => ({
    name: rename(name),
    dtype: "F32",
    shape,
    data,
  }));
