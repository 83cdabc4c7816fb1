/** What `train --dry-run` shows. */
import { validationLoss } from "@normless/evaluate";
import { type HostModel, initWeights, parameterCount, standardNorms } from "@normless/gpt2";
import { stepBytes } from "@normless/train";
import { validationPart } from "@normless/text";
import { trainingDisk } from "../run-folder/disk-use.js";
import { estimateRows } from "../terminal/estimate-text.js";
import { bytes, thousands } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { factLines } from "../terminal/tables.js";
import { type TrainJob, workOf } from "./train-job.js";

/** What the training will do and take, after one update on weights that are thrown away. */
export async function trainPlanText(io: Io, out: string, job: TrainJob): Promise<string> {
  const { backend, config, from, corpus, recipe, dtype, recompute = false } = job;
  const { steps, batchSize, blockSize, evaluateEvery, validationTokens, seed } = recipe;
  const fresh = (): Pick<HostModel, "weights" | "norms"> => ({
    weights: initWeights(config, seed),
    norms: standardNorms(config),
  });
  const { weights, norms } = from ?? fresh();
  const training = { backend, config, weights, norms, corpus, recipe, recompute, validate: validationLoss };
  const estimated = await estimateRows(io, {
    ...{ training, work: workOf(job), models: 1, out },
    disk: trainingDisk(config, norms, dtype),
  });
  const { layers, channels, heads } = config;
  const looked = validationPart(corpus.validation, validationTokens).length - 1;
  return factLines(io, [
    [
      "model",
      `${layers} layers, ${channels} channels, ${heads} heads, ${thousands(parameterCount(weights))} parameters`,
    ],
    ["engine", backend.description],
    ["training", `${steps} updates of ${batchSize} × ${blockSize} tokens, seed ${seed}`],
    [
      "tokens",
      `${thousands(steps * batchSize * blockSize)} trained on, out of a corpus of ${thousands(corpus.train.length)}`,
    ],
    [
      "validation",
      `${thousands(looked)} tokens ${evaluateEvery > 0 ? `every ${evaluateEvery} updates and ` : ""}at the end`,
    ],
    [
      "memory",
      `${bytes(await stepBytes({ config, norms, recipe, recompute }))} in tensors at the height of an update`,
    ],
    ...estimated,
  ]);
}
