/** Tokens a second when text is generated with the key/value cache, one token at a time: ours, and PyTorch's. */
import { join } from "node:path";
import { evaluate } from "@normless/autograd";
import {
  forward,
  freeParams,
  freeTokens,
  generate,
  type Gpt2Config,
  type Model,
  uploadTokens,
  uploadWeights,
} from "@normless/gpt2";
import { readModelFolder } from "@normless/gpt2/node";
import { z } from "zod";
import { type Context, hasPeer, longRounds } from "../harness/context.js";
import { withEngines } from "../harness/engines.js";
import { inTurns } from "../harness/measure.js";
import { ofForm, type PyTorch, startPyTorchForms } from "../peers/pytorch.js";
import { type Form, showContender } from "../results/results.js";
import { steps } from "../cases/shapes.js";
import { okSchema } from "../steps/protocol.js";

const PROMPT = Array.from({ length: 32 }, (_, i) => 11 * i + 3);
/** Greedy, so that every token can be checked. */
const GREEDY = { temperature: 0 };

const configs = { base: steps.base.config, small: steps.small_1x256.config };
export const generationCases = Object.keys(configs);

/** Greedy text after the prompt, and the milliseconds it took. */
interface Generated {
  readonly ids: readonly number[];
  readonly ms: number;
}

interface Generator {
  readonly engine: string;
  readonly threads: number;
  /** PyTorch's. */
  readonly form?: Form;
  readonly take: (tokens: number) => Promise<Generated>;
  readonly end: () => Promise<void>;
}

export async function generationSuite(context: Context): Promise<void> {
  const tokens = context.quick ? 8 : 64;
  await withEngines(context, async (started) => {
    for (const [name, config] of Object.entries(configs)) {
      if (!context.wants(name)) continue;
      const folder = await context.models.of(config);
      const { weights, norms } = await readModelFolder(folder);
      const generators: Generator[] = [];
      const models: Model[] = [];
      for (const { name: engine, threads, backend } of started) {
        for (const matrices of ["float32", "bfloat16"] as const) {
          if (!backend.dtypes.includes(matrices)) continue;
          const model = { config, norms, params: await uploadWeights(backend, weights, { matrices }) };
          generators.push(ours(matrices === "float32" ? engine : `${engine} ${matrices}`, threads, model));
          models.push(model);
        }
      }
      try {
        if (hasPeer(context, "pytorch")) {
          for (const started of await startPyTorchForms(context))
            generators.push(await pytorch(started, { config, folder, threads: context.threads }));
        }
        const first: Generated[] = [];
        for (const [i, generator] of generators.entries()) {
          const generated = await generator.take(tokens);
          // What other weights say is likely is another thing; the peer's are those of the first.
          await check(`${name}, ${showContender(generator)}`, models[i] ?? models[0], generated);
          first.push(generated);
        }
        const timings = await inTurns(
          generators.map(({ engine, take }) => ({
            name: engine,
            run: async () => (await take(tokens)).ms,
          })),
          longRounds(context),
        );
        for (const [i, { engine, threads, form }] of generators.entries()) {
          context.record({
            suite: "generation",
            case: name,
            about: `${tokens} tokens after a prompt of ${PROMPT.length}`,
            engine,
            threads,
            ...ofForm(form, first[i].ms),
            value: tokens / (timings[i].median / 1000),
            unit: "tokens/s",
            ms: timings[i],
          });
        }
      } finally {
        for (const generator of generators) await generator.end();
      }
    }
  });
}

function ours(engine: string, threads: number, model: Model): Generator {
  return {
    engine,
    threads,
    take: async (maxTokens) => {
      const ids: number[] = [];
      const begin = performance.now();
      for await (const id of generate(model, PROMPT, { maxTokens, ...GREEDY })) ids.push(id);
      return { ids, ms: performance.now() - begin };
    },
    end: () => Promise.resolve(freeParams(model.params)),
  };
}

const generatedSchema = z.object({ ids: z.array(z.int()), ms: z.number() });

interface PyTorchModel {
  readonly threads: number;
  readonly config: Gpt2Config;
  readonly folder: string;
}

async function pytorch(
  { form, process }: PyTorch,
  { threads, config, folder }: PyTorchModel,
): Promise<Generator> {
  const weights = join(folder, "model.safetensors");
  await process.ask(okSchema, { op: "load_generation", config, weights });
  return {
    engine: "pytorch",
    threads,
    form,
    take: (tokens) => process.ask(generatedSchema, { op: "generate", prompt: PROMPT, tokens }),
    end: () => process.end(),
  };
}

/** @throws Error when a token is not the most likely one by a forward pass over the whole text, without a cache. */
async function check(name: string, model: Model, { ids }: Generated): Promise<void> {
  const { config, norms, params } = model;
  const { backend } = params["wte.weight"];
  const text = [...PROMPT, ...ids];
  const tokens = uploadTokens(backend, config, { inputs: Int32Array.from(text), B: 1, T: text.length });
  const logits = evaluate((variables) => forward({ config, params: variables, norms }, tokens), params);
  const values = Float32Array.from(await logits.read());
  for (const [i, id] of ids.entries()) {
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
