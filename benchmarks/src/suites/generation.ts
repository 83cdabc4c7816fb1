/** Tokens a second when text is generated with the key/value cache, one token at a time. */
import { evaluate } from "@normless/autograd";
import {
  forward,
  freeParams,
  freeTokens,
  generate,
  type Model,
  uploadTokens,
  uploadWeights,
} from "@normless/gpt2";
import { readModelFolder } from "@normless/gpt2/node";
import type { Backend } from "@normless/tensor";
import { type Context, longRounds } from "../context.js";
import { withEngines } from "../engines.js";
import { inTurns, timed } from "../measure.js";
import { steps } from "../shapes.js";

const PROMPT = Array.from({ length: 32 }, (_, i) => 11 * i + 3);
/** Greedy, so that every token can be checked. */
const GREEDY = { temperature: 0 };

const configs = { base: steps.base.config, small: steps.small_1x256.config };
export const generationCases = Object.keys(configs);

export async function generationSuite(context: Context): Promise<void> {
  const tokens = context.quick ? 8 : 64;
  await withEngines(context, async (started) => {
    for (const [name, config] of Object.entries(configs)) {
      if (!context.wants(name)) continue;
      const { weights, norms } = await readModelFolder(await context.models.of(config));
      const models = started.map(({ backend }) => ({
        config,
        norms,
        params: uploadWeights(backend, weights),
      }));
      for (const [i, { backend }] of started.entries()) await check(name, models[i], backend);
      const timings = await inTurns(
        models.map((model) => timed(name, async () => void (await take(model, tokens)))),
        longRounds(context),
      );
      for (const [i, { name: engine, threads }] of started.entries()) {
        context.record({
          suite: "generation",
          case: name,
          about: `${tokens} tokens after a prompt of ${PROMPT.length}`,
          engine,
          threads,
          value: tokens / (timings[i].median / 1000),
          unit: "tokens/s",
          ms: timings[i],
        });
        freeParams(models[i].params);
      }
    }
  });
}

async function take(model: Model, maxTokens: number): Promise<number[]> {
  const ids: number[] = [];
  for await (const id of generate(model, PROMPT, { maxTokens, ...GREEDY })) ids.push(id);
  return ids;
}

/** @throws Error when a token is not the most likely one by a forward pass over the whole text, without a cache. */
async function check(name: string, model: Model, backend: Backend): Promise<void> {
  const { config, norms } = model;
  const generated = await take(model, 4);
  const text = [...PROMPT, ...generated];
  const tokens = uploadTokens(backend, config, { inputs: Int32Array.from(text), B: 1, T: text.length });
  const logits = evaluate((params) => forward({ config, params, norms }, tokens), model.params);
  const values = Float32Array.from(await logits.read());
  for (const [i, id] of generated.entries()) {
    const row = values.subarray((PROMPT.length + i - 1) * config.vocabSize).subarray(0, config.vocabSize);
    const best = row.reduce((a, b) => Math.max(a, b), -Infinity);
    if (!(row[id] >= best - 1e-4)) {
      throw new Error(
        `${name}: token ${i} is ${id} with logit ${row[id]}; without the cache ${best} is the highest`,
      );
    }
  }
  logits.free();
  freeTokens(tokens);
}
