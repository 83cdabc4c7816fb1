/**
 * LAMBADA (Paperno et al. 2016, https://arxiv.org/abs/1606.06031): the last word of a passage, which needs all of it to
 * be guessed. Scored as lm-evaluation-harness's lambada_openai: the word is what follows the last space, all its tokens
 * must be the likeliest ones, and no end-of-text comes before the passage.
 */
import { evaluate, type Variable } from "@normless/autograd";
import {
  checkFinite,
  forward,
  freeTokens,
  KeyValueCache,
  type Model,
  OVERFLOW_ADVICE,
  residual,
  uploadTokens,
} from "@normless/gpt2";
import type { Tokenizer } from "@normless/text";
import { type ChoiceRow, cutRow, encodePair } from "./choices.js";

/** What a passage's last word costs a model. */
export interface LastWordScore {
  /** Nats of the word's tokens, added up. */
  readonly nats: number;
  readonly tokens: number;
  /** Whether each of its tokens is the likeliest of all ids, as lm-evaluation-harness asks: those without a token, too. */
  readonly greedy: boolean;
}

/** A passage as its last word in its context. A passage of one word has end-of-text for a context. */
export function lambadaRow(tokenizer: Tokenizer, passage: string): ChoiceRow {
  const text = passage.trim();
  const space = text.lastIndexOf(" ");
  return encodePair(tokenizer, text.slice(0, Math.max(0, space)), ` ${text.slice(space + 1)}`);
}

/** Scores last words one by one; yields the tokens done so far. @throws NotFiniteError naming passage, token and id of a logit that is no number */
export async function* scoreLastWords(
  model: Model,
  rows: readonly ChoiceRow[],
): AsyncGenerator<number, LastWordScore[]> {
  const { config, params } = model;
  const cache = new KeyValueCache(params["wte.weight"].backend, config);
  const scores: LastWordScore[] = [];
  let done = 0;
  try {
    for (const row of rows) {
      const { tokens, scored } = cutRow(row, config.blockSize);
      const inputs = tokens.slice(0, -1);
      cache.clear();
      // Only the tokens that predict the word need a head.
      const body = inputs.slice(0, -scored);
      if (body.length > 0) run(model, cache, body, residual).free();
      const logits = run(model, cache, inputs.slice(-scored), forward);
      const values = await logits.read();
      checkFinite(values, {
        what: "the row of logits",
        place: (at) =>
          `id ${at % config.vocabSize} for token ${Math.floor(at / config.vocabSize)} of the word of passage ${scores.length}, all counted from 0`,
        advice: OVERFLOW_ADVICE,
      });
      scores.push(wordScore(values, tokens.slice(-scored)));
      logits.free();
      done += inputs.length;
      yield done;
    }
  } finally {
    cache.free();
  }
  return scores;
}

/** What the model makes of ids that follow those in the cache: its residual or its logits. */
function run(model: Model, cache: KeyValueCache, ids: readonly number[], part: typeof forward) {
  const { config, params, norms } = model;
  const { backend } = params["wte.weight"];
  const batch = { inputs: Int32Array.from(ids), B: 1, T: ids.length };
  const tokens = uploadTokens(backend, config, batch, cache.length);
  const result = evaluate(
    (variables): Variable => part({ config, params: variables, norms }, tokens, { attend: cache.attend }),
    params,
  );
  freeTokens(tokens);
  cache.advance(ids.length);
  return result;
}

/** @param logits (t,V), row-major, of t targets */
function wordScore(logits: ArrayLike<number>, targets: readonly number[]): LastWordScore {
  const V = logits.length / targets.length;
  let nats = 0;
  let greedy = true;
  targets.forEach((target, row) => {
    let max = -Infinity;
    for (let id = 0; id < V; id++) max = Math.max(max, logits[row * V + id]);
    let sum = 0;
    for (let id = 0; id < V; id++) sum += Math.exp(logits[row * V + id] - max);
    const logit = logits[row * V + target];
    nats += Math.log(sum) + max - logit;
    if (logit < max) greedy = false;
  });
  return { nats, tokens: targets.length, greedy };
}
