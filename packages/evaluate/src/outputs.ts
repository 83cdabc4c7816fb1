/** What a model makes of a text: enough to tell whether another model is the same one, and how large its residual gets. */
import { evaluate, sum } from "@normless/autograd";
import {
  atNormInputs,
  forward,
  freeTokens,
  type Model,
  tokenLosses,
  uploadTargets,
  uploadTokens,
} from "@normless/gpt2";
import type { Tensor } from "@normless/tensor";
import { sequentialBatches } from "@normless/text";
import { checkBatchNats } from "./nats.js";
import type { BatchSizes } from "./validation-loss.js";

/** What a model makes of a text. */
export interface Outputs {
  /** Mean nats a token. */
  readonly loss: number;
  /** Of the first sequence, (T,V). */
  readonly logits: Float32Array;
  /** The largest std of any token's residual at each norm module, in the residual's units. */
  readonly largestStd: Readonly<Record<string, number>>;
}

/** Inside the square root of a std, whatever epsilon the model's own norms have. */
const STD_EPS = 1e-5;

/** @throws NotFiniteError naming the first target whose nats are no number */
export async function modelOutputs(model: Model, tokens: Uint16Array, sizes: BatchSizes): Promise<Outputs> {
  const { config, norms, params } = model;
  const { backend } = params["wte.weight"];
  const largestStd: Record<string, number> = {};
  let total = 0;
  let done = 0;
  let sequence = 0;
  for (const batch of sequentialBatches({ tokens, ...sizes })) {
    const ids = uploadTokens(backend, config, batch);
    const targets = uploadTargets(backend, config, batch.targets, batch.T);
    const stds: [string, Tensor][] = [];
    const hooks = atNormInputs(config, (module, { tensor: x }) => {
      stds.push([module, backend.run("rowStd", { x }, { eps: STD_EPS }).std]);
    });
    const nats = evaluate(
      (variables) => sum(tokenLosses({ config, params: variables, norms }, ids, targets, { hooks })),
      params,
    );
    const natsOfBatch = await nats.item();
    nats.free();
    await checkBatchNats(natsOfBatch, model, batch, { sequence });
    total += natsOfBatch;
    sequence += batch.B;
    for (const [module, std] of stds) {
      largestStd[module] ??= 0;
      for (const value of await std.read()) largestStd[module] = Math.max(largestStd[module], value);
      std.free();
    }
    targets.free();
    freeTokens(ids);
    done += batch.targets.length;
  }
  return { loss: total / done, logits: await firstLogits(model, tokens, sizes), largestStd };
}

async function firstLogits(model: Model, tokens: Uint16Array, { blockSize }: BatchSizes) {
  const { config, norms, params } = model;
  const [batch] = sequentialBatches({ tokens, batchSize: 1, blockSize });
  const ids = uploadTokens(params["wte.weight"].backend, config, batch);
  const logits = evaluate((variables) => forward({ config, params: variables, norms }, ids), params);
  const values = await logits.read();
  logits.free();
  freeTokens(ids);
  // The largest thing in memory besides the weights: not copied once more where it need not be.
  return values instanceof Float32Array ? values : Float32Array.from(values);
}

/** max |a − b| / max |b|; NaN when either has a value that is no number. */
export function relativeDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let gap = 0;
  let largest = 0;
  for (let i = 0; i < b.length; i++) {
    gap = Math.max(gap, Math.abs(a[i] - b[i]));
    largest = Math.max(largest, Math.abs(b[i]));
  }
  return gap / largest;
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
    const ids = uploadTokens(model.params["wte.weight"].backend, model.config, batch);
    const logits = evaluate((params) => forward({ ...model, params }, ids), model.params);
    const values = await logits.read();
    logits.free();
    freeTokens(ids);
    return values;
  };
  const [x, y] = [await logitsOf(a), await logitsOf(b)];
  return relativeDifference(x, y);
}
