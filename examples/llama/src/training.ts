/** A training that can be put into one file, weights and AdamW's state, and gone on with from there to the same bits. */
import { valueAndGrad } from "@normless/autograd";
import { AdamW } from "@normless/optim";
import { readAdamWState, readTensors, stateEntries, tensorEntries } from "@normless/params";
import { openStore, writeSafetensors } from "@normless/safetensors";
import { openFile, writeFileAtomic } from "@normless/safetensors/node";
import type { Backend, Tensor } from "@normless/tensor";
import { type LlamaConfig, loss } from "./llama.js";

/** The weights, and what AdamW knows of them; both are the caller's to free. */
export interface Training {
  readonly weights: Readonly<Record<string, Tensor>>;
  readonly adamw: AdamW;
}

/** One update on the ids, (B,T): the loss before it, a scalar, the caller's. */
export function update(config: LlamaConfig, { weights, adamw }: Training, ids: Tensor): Tensor {
  const { value, grads } = valueAndGrad((weights) => loss(config, weights, ids), weights);
  adamw.update(grads, { learningRate: 0.01, maxNorm: 1 }).free();
  for (const grad of Object.values(grads)) grad.free();
  return value;
}

/** Writes the file whole or not at all; the weights are in it under their own names. */
export async function save(path: string, { weights, adamw }: Training): Promise<void> {
  const entries = [...tensorEntries(weights), ...stateEntries(await adamw.save(), weights)];
  await writeFileAtomic(path, writeSafetensors(entries, { metadata: { format: "pt" } }));
}

/** @throws SafetensorsError naming what the file does not have */
export async function load(backend: Backend, path: string): Promise<Training> {
  const file = await openFile(path);
  try {
    const store = await openStore([file]);
    const weights = await readTensors(store, backend);
    const adamw = new AdamW(backend, weights);
    adamw.load(await readAdamWState(store, weights));
    return { weights, adamw };
  } finally {
    await file.close();
  }
}

/** Gives the memory of both back. */
export function free({ weights, adamw }: Training): void {
  for (const weight of Object.values(weights)) weight.free();
  adamw.free();
}
