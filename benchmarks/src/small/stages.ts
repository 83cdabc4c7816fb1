/** What a model of GPT-2 small's shapes goes through, command by command, each in a process of its own. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Gpt2Config, initWeights, standardNorms } from "@normless/gpt2";
import { writeModelFolder } from "@normless/gpt2/node";
import { openStore } from "@normless/safetensors";
import { openFile } from "@normless/safetensors/node";
import { randomAt } from "@normless/random";
import { writeNanogptShard } from "@normless/text";
import { built, NORMLESS, type ProcessPeak, processPeak } from "../harness/process-peak.js";

export interface Stage extends ProcessPeak {
  readonly name: string;
}

export interface StageOptions {
  /** An empty folder. */
  readonly root: string;
  readonly threads: number;
  readonly say: (text: string) => void;
}

export interface SmallResults {
  readonly stages: readonly Stage[];
  /** max |Δ| / max of the logits, folded and in TransformerLens's names against the eps 1e12 form. */
  readonly logits: Readonly<Record<"folded" | "lens", number>>;
}

const T = 256;
/** Two updates with and two without LayerNorm; every norm goes after the first, so that a single one is without any. */
const RECIPE = {
  base: "baroni-2025-small",
  name: "once",
  steps: 2,
  batchSize: 1,
  microBatchSize: 1,
  blockSize: T,
  learningRate: { peak: 1e-4, floor: 1e-5, warmupSteps: 1 },
  validationTokens: T,
  checkpointEvery: 2,
  pace: { kind: "fixed", start: 1, gaps: { ln_2: 0, "ln_1:qk": 0, "ln_1:v": 0 }, eotAfter: 0, firstAfter: 0 },
};

/** Random weights, tokens to train and validate on, and a recipe. */
export async function makeFolder(folder: string, config: Gpt2Config): Promise<void> {
  const model = { config, weights: initWeights(config, 1337), norms: standardNorms(config) };
  await writeModelFolder(join(folder, "model"), model);
  const random = randomAt(1337, 1);
  const tokens = (count: number) =>
    writeNanogptShard(Uint16Array.from({ length: count }, () => random.below(config.vocabSize)));
  await writeFile(join(folder, "model", "train.bin"), tokens(20 * T));
  await writeFile(join(folder, "model", "val.bin"), tokens(2 * T + 1));
  await writeFile(join(folder, "recipe.json"), JSON.stringify(RECIPE));
  const row = Array.from({ length: 64 }, () => random.below(config.vocabSize));
  await writeFile(join(folder, "rows.json"), JSON.stringify([row]));
}

/** @throws Error when a command fails, or the logits are not those of the model before. */
export async function runStages({ root, threads, say }: StageOptions): Promise<SmallResults> {
  await mkdir(root, { recursive: true });
  const stages: Stage[] = [];
  const stage = async (name: string, script: string, args: readonly string[]) => {
    say(name);
    stages.push({ name, ...(await processPeak(script, args)) });
  };
  const normless = (name: string, ...args: readonly string[]) =>
    stage(name, NORMLESS, [...args, "--threads", String(threads)]);
  const at = (name: string) => join(root, name);

  await stage("make the folder", built("./small.js"), ["--make", root]);
  await normless("inspect", "inspect", "--model", at("model"), "--tokens", "all");
  const run = ["--model", at("model"), "--recipe", at("recipe.json"), "--out", at("run")];
  await normless("remove, 2 + 2 updates", "remove", ...run);
  const stock = at("run/ln-free-gpt2");
  const data = ["--data", join(at("model"), "val.bin")];
  const exporting = (name: string, form: string, out: string) =>
    normless(name, "export", "--model", stock, ...data, "--form", form, "--out", out);
  await exporting("export: fold", "folded", at("folded"));
  await exporting("export: TransformerLens", "transformer-lens", at("lens"));
  await exporting("export: eps 1e12", "gpt2", at("stock"));
  const logits: Record<string, Float32Array> = {};
  for (const [name, model] of [
    ["stock", stock],
    ["folded", at("folded")],
    ["lens", at("lens")],
  ]) {
    const out = at(`${name}.safetensors`);
    const options = ["--model", model, "--token-ids", at("rows.json"), "--safetensors", out];
    await normless(`reload: logits, ${name}`, "logits", ...options);
    logits[name] = await readLogits(out);
  }
  const gaps = {
    folded: gap(logits["folded"], logits["stock"]),
    lens: gap(logits["lens"], logits["stock"]),
  };
  for (const [name, value] of Object.entries(gaps)) {
    if (!(value < 1e-4)) throw new Error(`the logits of ${name} differ by ${value} of the largest`);
  }
  return { stages, logits: gaps };
}

async function readLogits(path: string): Promise<Float32Array> {
  const file = await openFile(path);
  try {
    return await (await openStore([file])).readFloat32("logits");
  } finally {
    await file.close();
  }
}

function gap(a: Float32Array, b: Float32Array): number {
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < b.length; i++) {
    difference = Math.max(difference, Math.abs(a[i] - b[i]));
    largest = Math.max(largest, Math.abs(b[i]));
  }
  return difference / largest;
}
