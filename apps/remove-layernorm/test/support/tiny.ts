/** A tiny random model in a folder of its own, its corpus, a short recipe, and a terminal that remembers. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Gpt2Config, initWeights, standardNorms } from "@normless/gpt2";
import { writeModelFolder } from "@normless/gpt2/node";
import { randomAt } from "@normless/random";
import { END_OF_TEXT, writeNanogptShard } from "@normless/text";
import pc from "picocolors";
import type { RemovalRecipe } from "@normless/removal";
import type { Io } from "../../src/terminal/io.js";
import { main } from "../../src/main.js";
import { crossEntropy } from "@normless/removal/testing";

export const tinyConfig: Gpt2Config = {
  vocabSize: 257,
  blockSize: 16,
  channels: 8,
  layers: 2,
  heads: 2,
  inner: 32,
  gelu: "tanh",
  eps: 1e-5,
  tied: true,
  eot: 256,
};

/** Twelve updates; every norm is gone after nine. */
export const tinyRecipe: RemovalRecipe = {
  ...crossEntropy,
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
  checkpointEvery: 5,
  evaluateEvery: 4,
};

/** Text-like tokens: a few words, an end-of-text now and then. */
function tokens(count: number, stream: number): Uint16Array {
  return Uint16Array.from({ length: count }, (_, i) => {
    const word = randomAt(7, stream, i).below(40);
    return word === 0 ? 256 : 60 + word;
  });
}

/** GPT-2's 256 bytes and end-of-text: no merges. Writes `model/` (with tokenizer and corpus) and `recipe.json` into `folder`. */
export async function writeTiny(folder: string): Promise<{ model: string; recipe: string }> {
  const model = join(folder, "model");
  const sotu = new URL("../../../../models/sotu/", import.meta.url);
  const vocab = JSON.parse(await readFile(new URL("vocab.json", sotu), "utf8")) as Record<string, number>;
  const tokenizerFiles = {
    "vocab.json": JSON.stringify({
      ...Object.fromEntries(Object.entries(vocab).filter(([, id]) => id < 256)),
      [END_OF_TEXT]: 256,
    }),
    "merges.txt": "#version: 0.2\n",
  };
  await mkdir(folder, { recursive: true });
  const norms = standardNorms(tinyConfig);
  await writeModelFolder(model, {
    config: tinyConfig,
    weights: initWeights(tinyConfig, 5),
    norms,
    tokenizerFiles,
  });
  await writeFile(join(model, "train.bin"), writeNanogptShard(tokens(3000, 1)));
  await writeFile(join(model, "val.bin"), writeNanogptShard(tokens(400, 2)));
  const recipe = join(folder, "recipe.json");
  await writeFile(recipe, JSON.stringify(tinyRecipe));
  return { model, recipe };
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line here. `interruptAt` presses Control-C when a line of that text is written. */
export async function run(argv: readonly string[], interruptAt?: string): Promise<Ran> {
  let out = "";
  let err = "";
  const handlers = new Set<(signal: "SIGINT") => void>();
  const io: Io = {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
      if (interruptAt !== undefined && text.includes(interruptAt))
        handlers.forEach((handler) => handler("SIGINT"));
    },
    terminal: undefined,
    colors: pc.createColors(false),
    now: () => new Date(),
    clock: () => performance.now(),
    onInterrupt(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    exit: (code) => {
      throw new Error(`the process would have ended with ${code}`);
    },
  };
  const code = await main(argv, io);
  return { code, out, err };
}

/** Where a function says something, and what it has said. */
export function silentIo(): { readonly io: Io; said(): string } {
  let text = "";
  const say = (more: string) => {
    text += more;
  };
  const io: Io = {
    ...{ out: say, err: say, terminal: undefined, colors: pc.createColors(false) },
    ...{ now: () => new Date(), clock: () => performance.now() },
    onInterrupt: () => () => {},
    exit: () => {},
  };
  return { io, said: () => text };
}

/** metrics.jsonl without its timings. */
export async function metricsOf(folder: string): Promise<unknown[]> {
  const text = await readFile(join(folder, "metrics.jsonl"), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => {
      const {
        seconds: _seconds,
        tokensPerSecond: _pace,
        ...rest
      } = JSON.parse(line) as Record<string, unknown>;
      return rest;
    });
}
