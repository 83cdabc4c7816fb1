/**
 * Twenty steps of a removal on the model that ships, in a short context, on any backend: what GPU modes are held
 * against the wasm engine with, in Node and in a browser's worker alike.
 */
import {
  gatherWeights,
  memoryFolder,
  modelFiles,
  presets,
  readModel,
  standardNorms,
  type WeightsInMemory,
} from "@normless/gpt2";
import type { Backend } from "@normless/tensor";
import { wasm } from "@normless/tensor-wasm";
import { readShard } from "@normless/text";
import { fingerprint } from "@normless/train";
import { removeLayerNorm, type RunState } from "@normless/removal";
import { crossEntropy } from "@normless/removal/testing";

export const FILES = ["config.json", "model.safetensors", "train.bin.gz", "val.bin.gz"] as const;
export type Files = Readonly<Record<(typeof FILES)[number], Uint8Array>>;

const STEPS = 20;
/** All 33 norms and constants are gone by the last step: several at a time, as no real schedule would have it. */
const recipe = {
  ...crossEntropy,
  steps: STEPS,
  batchSize: 1,
  microBatchSize: 1,
  blockSize: 16,
  learningRate: { peak: 1e-4, floor: 1e-5, warmupSteps: 2, totalSteps: STEPS },
  pace: {
    kind: "fixed",
    start: 2,
    gaps: { ln_2: 0.5, "ln_1:qk": 0.5, "ln_1:v": 1 },
    eotAfter: 1,
    firstAfter: 3,
  },
  validationTokens: 64,
} as const;

export interface RemovalSteps {
  readonly backend: string;
  readonly losses: readonly number[];
  readonly removals: number;
  /** Live bytes of the backend after each update. */
  readonly liveBytes: readonly number[];
  readonly validation: Readonly<Record<string, number>>;
  /** Of the LN-free weights, and of those that were written and read back. */
  readonly exported: readonly [string, string];
}

async function unzipped(bytes: Uint8Array): Promise<Uint16Array> {
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeThrough(new DecompressionStream("gzip"));
  return readShard(new Uint8Array(await new Response(stream).arrayBuffer())).tokens;
}

async function bytesOf(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk.slice());
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** A validation that is not looked at. */
const nothing = { kinds: [], notMeasured: [] };

/** The run as it stands when its control is done, which costs as much again and is not what is compared here. */
async function afterControl(weights: WeightsInMemory): Promise<RunState> {
  const zeros = Object.fromEntries(
    Object.entries(weights).map(([name, { data }]) => [name, new Float32Array(data.length)]),
  );
  return {
    ...{ version: 1, phase: "removal", step: 0, recipe, weights },
    fingerprint: await fingerprint(weights),
    optimizer: { step: 0, m: zeros, v: zeros },
    removal: { norms: standardNorms(presets.base), averages: {}, probedTokens: 0 },
    controlLosses: new Array<number>(STEPS).fill(0),
    validation: { original: nothing, control: nothing },
  };
}

export async function removalSteps(backend: Backend, files: Files): Promise<RemovalSteps> {
  const model = await readModel(memoryFolder("models/sotu", files));
  const train = (await unzipped(files["train.bin.gz"])).subarray(0, 20_000);
  const validation = (await unzipped(files["val.bin.gz"])).subarray(0, 65);
  const losses: number[] = [];
  const liveBytes: number[] = [];
  const results: Record<string, number> = {};
  let removals = 0;
  const resume = await afterControl(await gatherWeights(model.weights));
  for await (const event of removeLayerNorm({
    backend,
    model,
    corpus: { train, validation },
    recipe,
    resume,
  })) {
    if (event.type === "step") {
      losses.push(event.loss);
      liveBytes.push(backend.memory().liveBytes);
    } else if (event.type === "removal") removals += 1;
    else if (event.type === "eval") results[event.model] = event.loss;
    else if (event.type === "done") {
      const written: Record<string, Uint8Array> = {};
      for (const { name, chunks } of modelFiles(event.folded)) written[name] = await bytesOf(chunks);
      const again = await readModel(memoryFolder("written", written));
      const exported = [await fingerprint(event.folded.weights), await fingerprint(again.weights)] as const;
      return { backend: backend.description, losses, removals, liveBytes, validation: results, exported };
    }
  }
  throw new Error("the run ended without its result");
}

/** The same steps on the wasm engine. */
export async function expectedSteps(files: Files): Promise<RemovalSteps> {
  const backend = await wasm({ threads: 1 });
  try {
    return await removalSteps(backend, files);
  } finally {
    await backend.dispose();
  }
}

/** What differs from the wasm engine by more than it may: nothing, in words. */
export function complaints(actual: RemovalSteps, expected: RemovalSteps): string[] {
  const found: string[] = [];
  const compare = (what: string, a: number | undefined, b: number | undefined) => {
    if (!(Math.abs((a ?? NaN) - (b ?? NaN)) < 1e-3)) found.push(`${what}: ${a}, the wasm engine has ${b}`);
  };
  for (let i = 0; i < STEPS; i++) compare(`loss of step ${i + 1}`, actual.losses[i], expected.losses[i]);
  for (const model of ["frozen", "folded"]) {
    compare(`validation of ${model}`, actual.validation[model], expected.validation[model]);
  }
  if (actual.removals !== expected.removals)
    found.push(`${actual.removals} removals, not ${expected.removals}`);
  const [, ...later] = actual.liveBytes;
  if (new Set(later).size !== 1) found.push(`live bytes are not flat: ${actual.liveBytes.join(", ")}`);
  if (actual.exported[0] !== actual.exported[1])
    found.push("the model that was read back is not the one written");
  return found;
}
