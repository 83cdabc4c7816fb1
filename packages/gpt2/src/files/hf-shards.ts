/**
 * Weights as one file, or as several with an index where they are many, as `save_pretrained` of transformers does.
 * Source: https://huggingface.co/docs/transformers/big_models#sharded-checkpoints
 */
import { type TensorEntry, writeSafetensors } from "@normless/safetensors";
import { sizeOf } from "@normless/tensor";

/** The file's name where all weights are in one. */
export const WEIGHTS = "model.safetensors";
/** The name of the index, which says in which file a weight is where they are in several. */
export const INDEX = "model.safetensors.index.json";

/** In bytes: beyond it weights go into several files. */
export const DEFAULT_SHARD_BYTES = 5e9;

const BYTES: Readonly<Record<string, number>> = { F32: 4, F16: 2, BF16: 2 };

/**
 * The files of these tensors in their order, each of at most `limit` bytes of data (a tensor above it has a file of
 * its own), and their index where they are more than one.
 * @throws RangeError when the limit is not above 0
 */
export function weightFiles(entries: readonly TensorEntry[], limit: number) {
  if (!(limit > 0)) throw new RangeError(`shardBytes is ${limit}; a file takes more than 0 bytes`);
  const bytesOf = ({ dtype, shape }: TensorEntry) => BYTES[dtype] * sizeOf(shape);
  const shards: TensorEntry[][] = [[]];
  let filled = 0;
  for (const entry of entries) {
    const bytes = bytesOf(entry);
    if (filled > 0 && filled + bytes > limit) {
      shards.push([]);
      filled = 0;
    }
    shards[shards.length - 1].push(entry);
    filled += bytes;
  }
  const five = (value: number) => String(value).padStart(5, "0");
  const names = shards.map((_, i) =>
    shards.length === 1 ? WEIGHTS : `model-${five(i + 1)}-of-${five(shards.length)}.safetensors`,
  );
  const files = shards.map((shard, i) => ({
    name: names[i],
    chunks: writeSafetensors(shard, { metadata: { format: "pt" } }),
  }));
  if (files.length === 1) return files;
  const index = {
    metadata: { total_size: entries.reduce((sum, entry) => sum + bytesOf(entry), 0) },
    weight_map: Object.fromEntries(shards.flatMap((shard, i) => shard.map(({ name }) => [name, names[i]]))),
  };
  const text = new TextEncoder().encode(`${JSON.stringify(index, undefined, 2)}\n`);
  return [...files, { name: INDEX, chunks: [text] }];
}

/** Whether weights may be in a file of this name, or the index of their shards. */
export function isWeightFile(name: string): boolean {
  return /^model(-\d{5}-of-\d{5})?\.safetensors$/.test(name) || name === INDEX;
}
