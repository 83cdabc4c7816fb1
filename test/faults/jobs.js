/** What is disturbed: each command that writes for long, on a tiny model, and how people go on with it. */
import { existsSync, readdirSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { randomAt } from "@normless/random";
import { run } from "./process.js";

const TOKENIZER = fileURLToPath(new URL("../../models/sotu", import.meta.url));
const SHAPE = ["--layers", "2", "--heads", "2", "--channels", "8", "--inner", "32", "--context", "16"];
const RECIPE = {
  base: "baroni-2025-small",
  name: "tiny",
  steps: 12,
  batchSize: 4,
  microBatchSize: 2,
  blockSize: 16,
  learningRate: { peak: 1e-3, floor: 1e-4, warmupSteps: 2, totalSteps: 12 },
  validationTokens: 200,
  pace: {
    kind: "fixed",
    start: 2,
    gaps: { ln_2: 1, "ln_1:qk": 0.5, "ln_1:v": 1 },
    eotAfter: 1,
    firstAfter: 2,
  },
  evaluateEvery: 4,
  checkpointEvery: 3,
};

/**
 * @typedef {object} Job
 * @property {string} name
 * @property {readonly string[]} argv without `--out`
 * @property {"resume" | "again"} goOn with `--resume` where there is something to go on with, or with the same command line
 * @property {readonly string[]} published folders, by patterns of their paths in the job's, that are whole or not there
 */

/** @returns {Promise<Job[]>} those of an engine */
export async function makeJobs(command, folder, engine) {
  await mkdir(folder, { recursive: true });
  const shard = async (name, count, stream) => {
    const ids = Uint16Array.from({ length: count }, (_, i) => randomAt(7, stream, i).below(4096));
    await writeFile(join(folder, name), ids);
    return join(folder, name);
  };
  const data = [
    ...["--train", await shard("train.bin", 3000, 1)],
    ...["--validation", await shard("val.bin", 400, 2)],
  ];
  const recipe = async (name, fields) => {
    await writeFile(join(folder, `${name}.json`), JSON.stringify({ ...RECIPE, name, ...fields }));
    return join(folder, `${name}.json`);
  };
  const tiny = await recipe("tiny", {});
  const distilled = await recipe("other", { loss: "distillation" });
  const on = ["--backend", engine, "--threads", "1"];
  const sizes = [
    "--batch-size",
    "4",
    "--micro-batch-size",
    "2",
    "--block-size",
    "16",
    "--validation-tokens",
    "200",
  ];
  const steps = ["--steps", "20", "--checkpoint-every", "3", "--evaluate-every", "7"];
  const train = ["train", "--tokenizer", TOKENIZER, ...SHAPE, ...data, ...sizes, ...steps, ...on];
  const began = await run(command, [...train, "--out", join(folder, "trained")]);
  if (began.code !== 0) {
    // What is not there says so in the engine's own name; anything else is a fault of ours.
    const why = began.said.trim();
    throw why.includes(`normless: ${engine}: `) && engine !== "wasm" ? new NotHere(why) : new Error(why);
  }
  const model = join(folder, "trained", "model");
  const remove = ["remove", "--model", model, ...data, ...on];
  await must(run(command, [...remove, "--recipe", tiny, "--out", join(folder, "removed")]));
  const lnFree = join(folder, "removed", "ln-free-gpt2");
  return [
    { name: "train", argv: train, goOn: "resume", published: ["model"] },
    {
      name: "remove",
      argv: [...remove, "--recipe", tiny],
      goOn: "resume",
      published: ["control", "ln-free", "ln-free-gpt2"],
    },
    {
      name: "sweep",
      argv: ["sweep", "--model", model, ...data, ...on, "--recipe", tiny, distilled, "--seeds", "1"],
      goOn: "again",
      published: ["*/control", "*/ln-free", "*/ln-free-gpt2"],
    },
    {
      name: "export",
      argv: ["export", "--model", lnFree, "--data", join(folder, "val.bin"), "--tokens", "64", ...on],
      goOn: "again",
      published: [""],
    },
  ];
}

/** The engine cannot be had on this machine. */
export class NotHere extends Error {}

async function must(running) {
  const { code, said } = await running;
  if (code !== 0) throw new Error(said);
}

/**
 * What people type next, by what is in the job's folder: to begin, to go on, or to begin again; undefined where it has ended.
 * @returns {string[] | undefined}
 */
export function nextArgv({ name, argv, goOn }, out) {
  const begin = [...argv, "--out", out];
  if (name === "export" && existsSync(join(out, "model.safetensors"))) return undefined;
  if (goOn === "again" || !existsSync(out)) return begin;
  const checkpoints = existsSync(join(out, "checkpoints")) ? readdirSync(join(out, "checkpoints")) : [];
  if (checkpoints.some((file) => file.endsWith(".msgpack"))) return [name, "--resume", out];
  return readdirSync(out).some((file) => !file.startsWith("in-use-by-")) ? [...begin, "--force"] : begin;
}
