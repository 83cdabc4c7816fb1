/** What a run measures of a model: validation loss, the stds at its norms, what it writes, how two models differ. */
import { evaluate } from "@normless/autograd";
import {
  checkFinite,
  forward,
  freeTokens,
  generate,
  type Model,
  OVERFLOW_ADVICE,
  residual,
  stopTokens,
  uploadTokens,
} from "@normless/gpt2";
import { type BatchStd, frozenStd, type MeasuredStd, measureStd, readStds } from "@normless/layernorm";
import { type Backend, type PerClass, POSITION_CLASSES, type PositionClass } from "@normless/tensor";
import { type Batch, sequentialBatches, type Tokenizer } from "@normless/text";
import { batchNats, checkBatchNats } from "./nats.js";
import { relativeDifference } from "./outputs.js";

export interface BatchSizes {
  readonly batchSize: number;
  readonly blockSize: number;
}

/** The part of the validation set that a run looks at: its first `count` targets, or all for 0. */
export function validationPart(tokens: Uint16Array, count: number): Uint16Array {
  return count > 0 ? tokens.subarray(0, count + 1) : tokens;
}

function backendOf(model: Model): Backend {
  return model.params["wte.weight"].backend;
}

export interface ValidationOptions extends BatchSizes {
  /** What to do about a loss that is no number. Default: the weights are numbers. */
  readonly advice?: string | undefined;
}

/**
 * Mean nats a token, every target counted once; yields the targets done so far, batch by batch.
 * @throws NotFiniteError naming the first target whose nats are no number
 */
export async function* validationLoss(
  model: Model,
  tokens: Uint16Array,
  { advice, ...sizes }: ValidationOptions,
): AsyncGenerator<number, number> {
  let total = 0;
  let done = 0;
  let sequence = 0;
  for (const batch of sequentialBatches({ tokens, ...sizes })) {
    const nats = await batchNats(model, batch);
    await checkBatchNats(nats, model, batch, { sequence, advice });
    total += nats;
    done += batch.targets.length;
    sequence += batch.B;
    yield done;
  }
  return total / done;
}

/** Mean std at each norm module by position class, over the first `batches` batches; classes never seen as the rest. */
export async function measureModel(
  model: Model,
  tokens: Uint16Array,
  { batches, ...sizes }: BatchSizes & { readonly batches: number },
): Promise<Record<string, PerClass>> {
  const some = function* () {
    let left = batches;
    for (const batch of sequentialBatches({ tokens, ...sizes })) if (left-- > 0) yield batch;
  };
  const stds = await measureStds(model, some());
  return Object.fromEntries(
    Object.entries(stds).map(([module, { mean, count }]) => {
      const seen = POSITION_CLASSES.filter((name) => count[name] > 0);
      return [module, frozenStd(Object.fromEntries(seen.map((name) => [name, mean[name]])))];
    }),
  );
}

/**
 * Mean std and number of tokens at each norm module by position class, over all of `batches`.
 * @throws NotFiniteError naming the first module and class whose std is no number
 */
export async function measureStds(model: Model, batches: Iterable<Batch>): Promise<Record<string, BatchStd>> {
  const { config, norms } = model;
  const sums: Record<string, Record<"total" | "count", Record<PositionClass, number>>> = {};
  for (const batch of batches) {
    const ids = uploadTokens(backendOf(model), config, batch);
    const measured: Record<string, MeasuredStd> = {};
    const x = evaluate(
      (params) =>
        residual({ config, params, norms }, ids, {
          observe(module, { tensor: input }) {
            measured[module] = measureStd(input, ids.classes, config.eps);
          },
        }),
      model.params,
    );
    const read = await readStds(Object.values(measured));
    for (const [i, [module, stds]] of Object.entries(measured).entries()) {
      const { mean, count } = read[i];
      checkFinite(
        POSITION_CLASSES.map((name) => mean[name]),
        {
          what: `the std at ${module}`,
          place: (at) => `class ${POSITION_CLASSES[at]}`,
          advice: OVERFLOW_ADVICE,
        },
      );
      stds.mean.free();
      stds.count.free();
      const zero = () => ({ first: 0, eot: 0, rest: 0 });
      sums[module] ??= { total: zero(), count: zero() };
      for (const name of POSITION_CLASSES) {
        sums[module].total[name] += mean[name] * count[name];
        sums[module].count[name] += count[name];
      }
    }
    x.free();
    freeTokens(ids);
  }
  return Object.fromEntries(
    Object.entries(sums).map(([module, { total, count }]) => {
      const mean = (name: PositionClass) => (count[name] > 0 ? total[name] / count[name] : 0);
      return [module, { mean: { first: mean("first"), eot: mean("eot"), rest: mean("rest") }, count }];
    }),
  );
}

/** max |a − b| / max |b| over the logits of the first batch of `tokens`. */
export async function logitsDifference(
  a: Model,
  b: Model,
  tokens: Uint16Array,
  sizes: BatchSizes,
): Promise<number> {
  const [batch] = sequentialBatches({ tokens, ...sizes });
  const logitsOf = async (model: Model) => {
    const ids = uploadTokens(backendOf(model), model.config, batch);
    const logits = evaluate((params) => forward({ ...model, params }, ids), model.params);
    const values = await logits.read();
    logits.free();
    freeTokens(ids);
    return values;
  };
  const [x, y] = [await logitsOf(a), await logitsOf(b)];
  return relativeDifference(x, y);
}

/** What somebody wrote for a model to go on with: all special tokens count, and an empty one is end-of-text. */
export function promptIds(tokenizer: Tokenizer, prompt: string): number[] {
  const ids = tokenizer.encode(prompt, { specialTokens: true });
  return ids.length === 0 ? [tokenizer.eot] : ids;
}

/** What the model writes after a prompt, the prompt left out. */
export async function sampleText(
  model: Model,
  tokenizer: Tokenizer,
  prompt: string,
  seed: number,
): Promise<string> {
  const ids: number[] = [];
  const stopAt = [tokenizer.eot, ...stopTokens(model.config)];
  const options = { maxTokens: 120, temperature: 0.8, topK: 40, seed, stopAt, drawable: tokenizer.has };
  for await (const id of generate(model, promptIds(tokenizer, prompt), options)) ids.push(id);
  return tokenizer.decode(ids);
}
