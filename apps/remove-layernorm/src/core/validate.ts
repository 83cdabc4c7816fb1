/** Mean loss in nats over a validation set, every target counted once. */
import { evaluate, sum } from "@normless/autograd";
import { freeTokens, type Model, tokenLosses, uploadTargets, uploadTokens } from "@normless/gpt2";
import { sequentialBatches } from "@normless/text";

/** Rows of `blockSize` tokens, `batchSize` at a time; `progress` hears the targets done and in all. */
export async function validationLoss(
  model: Model,
  tokens: Uint16Array,
  options: {
    readonly batchSize: number;
    readonly blockSize: number;
    readonly progress?: (done: number, total: number) => void;
  },
): Promise<number> {
  const { config, params, norms } = model;
  const { backend } = params["wte.weight"];
  let total = 0;
  let done = 0;
  for (const batch of sequentialBatches({ tokens, ...options })) {
    const ids = uploadTokens(backend, config, batch);
    const targets = uploadTargets(backend, config, batch.targets, batch.T);
    const nats = evaluate(
      (variables) => sum(tokenLosses({ config, params: variables, norms }, ids, targets)),
      params,
    );
    total += await nats.item();
    done += batch.targets.length;
    for (const tensor of [nats, targets]) tensor.free();
    freeTokens(ids);
    options.progress?.(done, tokens.length - 1);
  }
  return total / done;
}

/** The part of the validation set that a run looks at. */
export function validationPart(tokens: Uint16Array, count: number): Uint16Array {
  return count > 0 ? tokens.subarray(0, count + 1) : tokens;
}
