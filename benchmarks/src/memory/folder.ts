/** A model of any size on disk, whose weights are never in memory together, and what commands need beside it. */
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { configText, type Gpt2Config, normModules, parameterShapes, standardNorms } from "@normless/gpt2";
import { randomAt } from "@normless/random";
import { type TensorEntry, writeSafetensors } from "@normless/safetensors";
import { writeFileAtomic } from "@normless/safetensors/node";
import { sizeOf } from "@normless/tensor";
import { writeNanogptShard } from "@normless/text";

/** Values that are drawn; a tensor has them over and over, from a place of its own on. */
const DRAWN = 2 ** 20 - 3;

/** Tokens to look at. */
export const TOKENS = 512;

/**
 * Writes `model/` (weights in float32 in one file, a tokenizer, tokens to validate on), `norms.json` (a constant for each
 * norm) and `rows.json` (a row of token ids). The tokenizer is of another model, of fewer tokens.
 * @param tokenizer the folder of its vocab.json and merges.txt
 * @returns bytes of the weights
 */
export async function makeModel(root: string, config: Gpt2Config, tokenizer: string): Promise<number> {
  const folder = join(root, "model");
  await mkdir(folder, { recursive: true });
  const random = randomAt(1337, 1);
  const drawn = Float32Array.from({ length: DRAWN }, () => 0.02 * random.normal());
  const shapes = Object.entries(parameterShapes(config, { norms: true }));
  const entries = shapes.map(([name, shape], i): TensorEntry => {
    const data = () => valuesOf(name, shape, drawn.subarray((i * 7919) % DRAWN));
    return { name: `transformer.${name}`, dtype: "F32", shape, data };
  });
  await writeFileAtomic(
    join(folder, "model.safetensors"),
    writeSafetensors(entries, { metadata: { format: "pt" } }),
  );
  for (const name of ["vocab.json", "merges.txt"]) await copyFile(join(tokenizer, name), join(folder, name));
  const ids = Uint16Array.from({ length: TOKENS + 1 }, () => random.below(4096));
  await writeFile(join(folder, "val.bin"), writeNanogptShard(ids));
  await writeFile(join(root, "rows.json"), JSON.stringify([[...ids.subarray(0, 64)]]));
  // Large ones: with smaller the residual of random weights grows from block to block, beyond what float32 holds of a fold.
  const constants = Object.fromEntries(normModules(config).map((module) => [module, 10]));
  await writeFile(join(root, "norms.json"), JSON.stringify(constants));
  await writeFile(join(folder, "config.json"), configText(config, standardNorms(config)));
  return shapes.reduce((sum, [, shape]) => sum + 4 * sizeOf(shape), 0);
}

function valuesOf(name: string, shape: readonly number[], drawn: Float32Array): Float32Array {
  const values = new Float32Array(sizeOf(shape));
  if (/ln_(1|2|f)\.weight$/.test(name)) return values.fill(1);
  if (shape.length === 1) return values;
  for (let at = 0; at < values.length; at += drawn.length) {
    values.set(drawn.subarray(0, Math.min(drawn.length, values.length - at)), at);
  }
  return values;
}
