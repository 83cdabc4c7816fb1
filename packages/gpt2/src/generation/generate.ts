/** Text, token by token, with a key/value cache. The same seed gives the same tokens. */
import { evaluate } from "@normless/autograd";
import { randomAt } from "@normless/random";
import { freeTokens, uploadTokens } from "../model/batch.js";
import { KeyValueCache } from "./cache.js";
import { checkFinite, OVERFLOW_ADVICE } from "../model/finite.js";
import { forward, residual } from "../model/forward.js";
import type { Model } from "../model/pass.js";
import { checkSampling, sampleToken, type Sampling } from "./sample.js";

/** How long a text may become, where it ends, and how each token is drawn. */
export interface GenerateOptions extends Sampling {
  readonly maxTokens: number;
  readonly seed?: number;
  /** An id, or several, that end the text when one comes; it is not given out. `stopTokens` are a config's own. */
  readonly stopAt?: number | readonly number[] | undefined;
}

/**
 * Yields up to `maxTokens` ids that continue `prompt`. When the context is full, its last half becomes the new
 * context, since GPT-2's positions are absolute. With a tokenizer, `drawable: tokenizer.has` keeps to ids that have a token.
 * @throws RangeError for an empty prompt or a bad option.
 */
export async function* generate(
  model: Model,
  prompt: readonly number[],
  { maxTokens, seed = 0, stopAt = [], ...sampling }: GenerateOptions,
): AsyncGenerator<number, void> {
  checkSampling(sampling);
  if (prompt.length === 0)
    throw new RangeError("generate: the prompt is empty; start from end-of-text instead");
  const { blockSize } = model.config;
  const stops = [stopAt].flat();
  const half = Math.ceil(blockSize / 2);
  let context = prompt.length > blockSize ? prompt.slice(-half) : [...prompt];
  const cache = new KeyValueCache(model.params["wte.weight"].backend, model.config);
  try {
    for (let count = 0; count < maxTokens; count++) {
      if (context.length > blockSize) {
        context = context.slice(-half);
        cache.clear();
      }
      const logits = await nextLogits(model, context, cache);
      checkFinite(logits, {
        what: `generate: the row of logits for token ${count + 1} after the prompt`,
        place: (id) => `id ${id}`,
        advice: OVERFLOW_ADVICE,
      });
      const id = sampleToken(logits, randomAt(seed, count).uniform(), sampling);
      if (stops.includes(id)) return;
      yield id;
      context.push(id);
    }
  } finally {
    cache.free();
  }
}

/** Logits (V) after the last id; runs only what the cache has not seen. */
async function nextLogits(
  model: Model,
  context: readonly number[],
  cache: KeyValueCache,
): Promise<ArrayLike<number>> {
  // Everything but the last new token needs no head, whose (t,V) logits nobody would look at.
  const body = context.slice(cache.length, -1);
  if (body.length > 0) {
    const x = run(model, body, cache, residual);
    x.free();
  }
  const logits = run(model, context.slice(-1), cache, forward);
  const values = await logits.read();
  logits.free();
  return values;
}

function run(model: Model, ids: readonly number[], cache: KeyValueCache, part: typeof forward) {
  const { config, params, norms } = model;
  const inputs = Int32Array.from(ids);
  const { backend } = params["wte.weight"];
  const tokens = uploadTokens(backend, config, { inputs, B: 1, T: inputs.length }, cache.length);
  const result = evaluate(
    (variables) => part({ config, params: variables, norms }, tokens, { attend: cache.attend }),
    params,
  );
  freeTokens(tokens);
  cache.advance(inputs.length);
  return result;
}
