/** A model's folder as transformers 5 saves it: config.json and model.safetensors. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readTensors } from "@normless/params";
import { openStore } from "@normless/safetensors";
import { openFile } from "@normless/safetensors/node";
import type { Backend, Tensor } from "@normless/tensor";
import type { LlamaConfig } from "./llama.js";

/** What transformers' Llama can be told to do, and ours does not: the only value that each may have here. */
const PLAIN: Readonly<Record<string, unknown>> = {
  model_type: "llama",
  hidden_act: "silu",
  attention_bias: false,
  mlp_bias: false,
};

/** A model on a backend; its weights are the caller's to free. */
export interface Llama {
  readonly config: LlamaConfig;
  readonly weights: Readonly<Record<string, Tensor>>;
}

/** @throws Error naming a field of config.json that asks for another model than llama.ts computes */
export async function readLlama(backend: Backend, folder: string): Promise<Llama> {
  const config = JSON.parse(await readFile(join(folder, "config.json"), "utf8")) as LlamaConfig;
  const fields = { ...config, ...config.rope_parameters } as Readonly<Record<string, unknown>>;
  for (const [field, value] of Object.entries({ ...PLAIN, rope_type: "default" })) {
    if (fields[field] === value) continue;
    throw new Error(
      `${folder}: ${field} is ${JSON.stringify(fields[field])}; here it can be ${JSON.stringify(value)}`,
    );
  }
  const file = await openFile(join(folder, "model.safetensors"));
  try {
    return { config, weights: await readTensors(await openStore([file]), backend) };
  } finally {
    await file.close();
  }
}
