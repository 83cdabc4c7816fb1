/**
 * What is run on both sides, in Node and inside the browser's worker, to compare the results. Everything starts from
 * seeds, so nothing but the options has to cross.
 */
import { initWeights, presets } from "@normless/gpt2";
import { wasm, type WasmOptions } from "@normless/tensor-wasm";
import { conformance, integers } from "@normless/tensor/testing";
import { describeRemoval, removeLayerNorm } from "@normless/removal";
import { fingerprint } from "@normless/train";
import { crossEntropy } from "@normless/removal/testing";

/** The model that ships, with two layers. */
const config = { ...presets.base, layers: 2 };
const B = 2;
/** The whole plan inside five steps: after the first of them, norms go at every step. */
const recipe = {
  ...crossEntropy,
  steps: 5,
  batchSize: B,
  microBatchSize: 1,
  pace: {
    kind: "fixed",
    start: 1,
    gaps: { ln_2: 0.5, "ln_1:qk": 0.5, "ln_1:v": 0.5 },
    eotAfter: 0,
    firstAfter: 0,
  },
} as const;

function tokens(seed: number, count: number): Uint16Array {
  return Uint16Array.from(integers([count], seed, config.vocabSize).data);
}

/** A run of five steps with norms and five that lose them, up to the validation of what came out, before the fold. */
async function firstSteps(options: WasmOptions) {
  const backend = await wasm(options);
  const weights = initWeights(config, 7);
  const { blockSize } = config;
  const corpus = { train: tokens(1, 20 * B * blockSize), validation: tokens(2, 2 * blockSize + 1) };
  const steps: { phase: string; step: number; loss: number; gradNorm: number }[] = [];
  const removals: { step: number; removed: string; std: object | undefined }[] = [];
  const validation: { model: string; loss: number }[] = [];
  try {
    for await (const event of removeLayerNorm({ backend, model: { config, weights }, corpus, recipe })) {
      if (event.type === "step") {
        const { phase, step, loss, gradNorm } = event;
        steps.push({ phase, step, loss, gradNorm });
      } else if (event.type === "removal") {
        removals.push({ step: event.step, removed: describeRemoval(event.removal), std: event.std });
      } else if (event.type === "eval") {
        validation.push({ model: event.model, loss: event.loss });
        if (event.model === "frozen") break;
      }
    }
    return { backend: backend.description, start: await fingerprint(weights), steps, removals, validation };
  } finally {
    await backend.dispose();
  }
}

/** The backend's conformance to every kernel contract: how many checks ran, and what failed. */
async function conform(options: WasmOptions) {
  const backend = await wasm(options);
  const failures: string[] = [];
  const checks = conformance();
  for (const check of checks) {
    try {
      await check.run(backend);
    } catch (error) {
      failures.push(`${check.name}: ${String(error)}`);
    }
  }
  await backend.dispose();
  return { backend: backend.description, checks: checks.length, failures };
}

export const tasks = { firstSteps, conform };
export type TaskName = keyof typeof tasks;
export type Result<N extends TaskName> = Awaited<ReturnType<(typeof tasks)[N]>>;
