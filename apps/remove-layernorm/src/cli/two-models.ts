/** Two model folders on one engine, for as long as a command looks at them. */
import { freeParams, uploadWeights } from "@normless/gpt2";
import { readModelFolder } from "@normless/gpt2/node";
import type { Tokenizer } from "@normless/text";
import type { Both } from "../core/index.js";
import type { ModelOnDevice } from "./device.js";
import { type EngineOptions, withEngine } from "./engine.js";
import { UsageError } from "./errors.js";
import type { Io } from "./io.js";

/** Reads both folders and gives all memory back afterwards. @throws UsageError when their tokens are not the same */
export async function withTwoModels<X>(
  io: Io,
  paths: Both<string>,
  options: EngineOptions,
  use: (models: Both<ModelOnDevice>) => Promise<X>,
): Promise<X> {
  const loaded = { a: await readModelFolder(paths.a), b: await readModelFolder(paths.b) };
  const difference = tokensDiffer(loaded.a, loaded.b);
  if (difference) {
    throw new UsageError(
      `${paths.a} and ${paths.b}: ${difference}; only models that read the same tokens can be compared`,
    );
  }
  return withEngine(io, options, async ({ backend }) => {
    const params = {
      a: uploadWeights(backend, loaded.a.weights),
      b: uploadWeights(backend, loaded.b.weights),
    };
    const onDevice = (name: "a" | "b"): ModelOnDevice => {
      const { config, norms } = loaded[name];
      return { path: paths[name], loaded: loaded[name], device: { config, norms, params: params[name] } };
    };
    try {
      return await use({ a: onDevice("a"), b: onDevice("b") });
    } finally {
      freeParams(params.a);
      freeParams(params.b);
    }
  });
}

interface Reader {
  readonly config: { readonly vocabSize: number };
  readonly tokenizer: Tokenizer | undefined;
}

/** Undefined where both read the same tokens, as far as their folders tell: a folder need not have a tokenizer. */
function tokensDiffer({ config: a, tokenizer: x }: Reader, { config: b, tokenizer: y }: Reader) {
  if (a.vocabSize !== b.vocabSize) return `the vocabularies have ${a.vocabSize} and ${b.vocabSize} tokens`;
  if (!x || !y) return undefined;
  if (x.vocabSize !== y.vocabSize) return `the tokenizers have ${x.vocabSize} and ${y.vocabSize} tokens`;
  for (let id = 0; id < x.vocabSize; id++) {
    const [p, q] = [bytesOf(x, id), bytesOf(y, id)];
    if (p !== q) return `the tokenizers differ: token ${id} is ${p} in the first and ${q} in the second`;
  }
  return undefined;
}

/** A token's bytes as JSON; a vocabulary may have holes. */
function bytesOf(tokenizer: Tokenizer, id: number): string {
  try {
    const bytes = tokenizer.decodeBytes([id]);
    return JSON.stringify(String.fromCharCode(...bytes));
  } catch (error) {
    if (error instanceof RangeError) return "missing";
    throw error;
  }
}
