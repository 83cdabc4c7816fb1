/** Folders of the tiny model in each layout that is read, in memory. */
import {
  foldModel,
  freezeAll,
  gatherWeights,
  modelFiles,
  type ModelToWrite,
  normModules,
  standardNorms,
  toEps1e12,
} from "@normless/gpt2";
import { type TensorEntry, toBytes } from "@normless/safetensors";
import { merges, vocab } from "./tiny-tokenizer.js";
import { tinyModel } from "./tiny-model.js";

/** A file's bytes by its name. */
export type Files = Readonly<Record<string, Uint8Array>>;

const { config, weights } = tinyModel;
const norms = standardNorms(config);
const frozen = {
  config,
  weights,
  norms: freezeAll(norms, Object.fromEntries(normModules(config).map((module) => [module, 2]))),
};

/** What `modelFiles` makes of a model. */
export async function filesOf(model: ModelToWrite): Promise<Files> {
  const files: Record<string, Uint8Array> = {};
  for (const { name, chunks } of modelFiles(model)) {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    files[name] = new Uint8Array(Buffer.concat(parts));
  }
  return files;
}

/** Weights with buffers beside gamma and beta, as checkpoints of the 2025 training have them. */
function withBuffers(change: (buffers: TensorEntry[]) => TensorEntry[]): Promise<Uint8Array> {
  const tensors = Object.entries(weights).map(([name, { shape, data }]): TensorEntry => ({
    name,
    dtype: "F32",
    shape,
    data,
  }));
  const buffers = ["ln_1", "ln_2"].flatMap((name): TensorEntry[] => [
    { name: `h.0.${name}.is_fake`, dtype: "BOOL", shape: [], data: Uint8Array.of(1) },
    { name: `h.0.${name}.average_std`, dtype: "F32", shape: [4], data: Float32Array.of(1, 2, 2, 2) },
    { name: `h.0.${name}.bos_std`, dtype: "F32", shape: [4], data: Float32Array.of(2, 2, 2, 2) },
  ]);
  const mask: TensorEntry = { name: "h.0.attn.bias", dtype: "U8", shape: [1], data: Uint8Array.of(1) };
  return toBytes([...tensors, ...change(buffers), mask]);
}

async function checkpoint(): Promise<Files> {
  const { "config.json": text } = await filesOf({ config, weights, norms });
  return { "config.json": text, "model.safetensors": await withBuffers((buffers) => buffers) };
}

/** Weights that are nearly such a checkpoint's. */
export function checkpointsLike(): Promise<Uint8Array[]> {
  const float = (name: string, ...values: number[]): TensorEntry => ({
    name,
    dtype: "F32",
    shape: [values.length],
    data: Float32Array.from(values),
  });
  return Promise.all([
    withBuffers((buffers) => buffers.filter(({ name }) => !name.endsWith("average_std"))),
    withBuffers((buffers) => buffers.filter(({ name }) => !name.endsWith("is_fake"))),
    withBuffers((buffers) => [...buffers, float("h.0.ln_1.mode_buffer", 1)]),
    withBuffers((buffers) => [...buffers, float("transformer.h.0.ln_2.weight", 1, 1, 1, 1)]),
    withBuffers((buffers) => [
      ...buffers.filter(({ name }) => !name.startsWith("h.0.ln_2.")),
      float("h.0.ln_2._is_fake", 1),
      float("h.0.ln_2.average_std_buffer", 1, 2, 3, 4),
    ]),
    withBuffers((buffers) => [
      ...buffers,
      float("h.0.ln_1.attn_v_is_fake", 1),
      float("ln_f.is_fake", 1),
      float("ln_f.average_std", 3),
    ]),
  ]);
}

/** An embedding for every token of the tiny tokenizer. */
const wide = { shape: [259, config.channels], data: new Float32Array(259 * config.channels).fill(0.5) };

/** One of each layout; the second in two files. */
export const modelFolders: Promise<readonly Files[]> = (async () => {
  const tokenizerFiles = { "vocab.json": JSON.stringify(vocab), "merges.txt": merges };
  const folded = foldModel(frozen);
  const whole = { ...folded, weights: await gatherWeights(folded.weights) };
  return Promise.all([
    filesOf({
      config: { ...config, vocabSize: 259 },
      weights: { ...weights, "wte.weight": wide },
      norms,
      tokenizerFiles,
    }),
    filesOf({ config, weights, norms, shardBytes: 200 }),
    filesOf({ ...whole, names: "transformer-lens" }),
    filesOf(toEps1e12(frozen)),
    filesOf({ ...frozen, dtype: "F16" }),
    checkpoint(),
  ]);
})();
