/** A model's loss, and its KL from a reference, by row kind and position: sums of each row, which intervals are made from. */
import {
  atNormInputs,
  freeTokens,
  headOf,
  type Hooks,
  type Model,
  uploadTargets,
  uploadTokens,
} from "@normless/gpt2";
import type { Tensor } from "@normless/tensor";
import { type NotMeasured, type RowBatch, rowBatches, type RowSet } from "./row-kinds.js";
import type { BatchRead, KindSums, PositionOptions, PositionSums } from "./position-sums.js";
import { RowMeter } from "./row-meter.js";

/**
 * Runs the model over all rows; yields the targets done so far, batch by batch. Logits are never kept: of a batch there
 * are its activations and a few numbers a token.
 * @throws RangeError when the reference has another vocabulary; NotFiniteError naming kind, row and position of the first
 * target whose nats are no number
 */
export async function* measurePositions(
  model: Model,
  { kinds, blockSize, notMeasured }: RowSet,
  options: PositionOptions,
): AsyncGenerator<number, PositionSums> {
  const { reference, batchSize } = options;
  if (reference && reference.config.vocabSize !== model.config.vocabSize) {
    throw new RangeError(
      `measurePositions: the model has ${model.config.vocabSize} logits and the reference ${reference.config.vocabSize}; their predictions cannot be compared`,
    );
  }
  let done = 0;
  const found: KindSums[] = [];
  const absent: NotMeasured[] = [...notMeasured];
  for (const rows of kinds) {
    const meter = new RowMeter(rows, blockSize, { ...options, eot: model.config.eot });
    for (const batch of rowBatches(rows, batchSize)) {
      meter.add(batch, await readBatch(model, batch, options));
      done += batch.lengths.reduce((a, b) => a + b, 0);
      yield done;
    }
    found.push(meter.sums());
    absent.push(...meter.missing());
  }
  return { kinds: found, notMeasured: absent };
}

async function readBatch(
  model: Model,
  batch: RowBatch,
  { reference, stds }: PositionOptions,
): Promise<BatchRead> {
  const { config, params } = model;
  const { backend } = params["wte.weight"];
  const readHead = (of: Model, hooks?: Hooks) => {
    const tokens = uploadTokens(backend, of.config, batch);
    const { x, w, bias } = headOf(of, tokens, { hooks });
    freeTokens(tokens);
    return { x, w, ...(bias && { bias }) };
  };
  const seen: [module: string, std: Tensor][] = [];
  const measure = atNormInputs(config, (module, { tensor: x }) => {
    seen.push([module, backend.run("rowStd", { x }, { eps: config.eps }).std]);
  });
  const own = readHead(model, stds ? measure : undefined);
  const targets = uploadTargets(backend, config, batch.targets, batch.T);
  const wanted = [
    ...seen.map(([, std]) => std),
    backend.run("linearCrossEntropy", { ...own, targets }, {}).loss,
  ];
  targets.free();
  if (reference) {
    const { x, w, bias } = readHead(reference);
    const teacher = { teacherX: x, teacherW: w, ...(bias && { teacherBias: bias }) };
    wanted.push(backend.run("linearKlDivergence", { ...own, ...teacher }, {}).loss);
    x.free();
  }
  own.x.free();
  const values = await backend.readMany(wanted);
  for (const tensor of wanted) tensor.free();
  const [loss, kl] = values.slice(seen.length);
  return { loss, kl, stds: Object.fromEntries(seen.map(([module], i) => [module, values[i]])) };
}
