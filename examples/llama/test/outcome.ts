/** All that a folder's model and row of ids come to, for tests to hold against transformers'. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { evaluate, valueAndGrad } from "@normless/autograd";
import { AdamW } from "@normless/optim";
import type { TensorEntry } from "@normless/safetensors";
import type { Backend, Tensor } from "@normless/tensor";
import { readLlama } from "../src/folder.js";
import { logits, loss } from "../src/llama.js";

/** `logits`, `loss`, and of each weight `gradient.NAME` and, after an update, `after.NAME`. It leaves nothing on the backend. */
export async function outcome(backend: Backend, folder: string): Promise<TensorEntry[]> {
  const before = backend.memory().liveTensors;
  const { config, weights } = await readLlama(backend, folder);
  const rows = JSON.parse(await readFile(join(folder, "ids.json"), "utf8")) as number[][];
  const ids = backend.upload(Int32Array.from(rows.flat()), [rows.length, rows[0].length]);

  const all = evaluate((weights) => logits(config, weights, ids), weights);
  const { value, grads } = valueAndGrad((weights) => loss(config, weights, ids), weights);
  const adamw = new AdamW(backend, weights, { eps: 1e-3 });
  adamw.update(grads, { learningRate: 0.01 }).free();
  adamw.free();

  const found: Record<string, Tensor> = { logits: all, loss: value };
  for (const [name, gradient] of Object.entries(grads)) found[`gradient.${name}`] = gradient;
  for (const [name, weight] of Object.entries(weights)) found[`after.${name}`] = weight;
  const entries: TensorEntry[] = [];
  for (const [name, tensor] of Object.entries(found)) {
    const data = Float32Array.from(await tensor.read());
    entries.push({ name, dtype: "F32", shape: [...tensor.shape], data });
    tensor.free();
  }
  ids.free();
  const left = backend.memory().liveTensors - before;
  if (left > 0) throw new Error(`${left} tensors are left`);
  return entries;
}
