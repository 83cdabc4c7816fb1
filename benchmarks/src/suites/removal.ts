/**
 * The main job as `npm start` runs it, on each CPU engine that this may take: the built command, in a process and a folder of
 * its own. Once; it takes minutes.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { Context } from "../harness/context.js";
import { timingOf } from "../harness/measure.js";

const command = fileURLToPath(new URL("../../apps/remove-layernorm/bin/normless.js", import.meta.url));
/** Of quick runs: enough for every removal. */
const QUICK = [
  "--steps",
  "100",
  "--batch-size",
  "1",
  "--micro-batch-size",
  "1",
  "--validation-tokens",
  "2048",
];
/** Nats a token: the LN-free model may not lose more to the original. */
const GAP = 0.012;

const summarySchema = z.object({
  validation: z.object({ original: z.number(), folded: z.number() }),
  peakBytes: z.number(),
});

const recipe = "distilled";
/** What `auto` takes where there is no GPU. */
const ENGINES = ["wasm", "native"];
export const removalCases = [recipe];

export async function removalSuite(context: Context): Promise<void> {
  if (!context.wants(recipe)) return;
  for (const { name } of context.engines) if (ENGINES.includes(name)) await measureRemoval(context, name);
}

async function measureRemoval(context: Context, engine: string): Promise<void> {
  const out = join(context.models.root, "removal");
  const threads = String(context.threads);
  const options = ["--recipe", recipe, "--out", out, "--backend", engine, "--threads", threads];
  const begin = performance.now();
  const child = spawn(process.execPath, [command, "remove", ...options, ...(context.quick ? QUICK : [])], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [code] = (await once(child, "exit")) as [number | null];
  const ms = performance.now() - begin;
  if (code !== 0) throw new Error(`normless remove ended with ${code}`);
  const { validation, peakBytes } = summarySchema.parse(
    JSON.parse(await readFile(join(out, "summary.json"), "utf8")),
  );
  await rm(out, { recursive: true });
  const gap = validation.folded - validation.original;
  if (!context.quick && !(gap <= GAP))
    throw new Error(`${recipe}: the LN-free model is ${gap} nats above the original`);
  context.record({
    suite: "removal",
    // Another name, so that no quick run meets the goal.
    case: context.quick ? `${recipe}, short` : recipe,
    about: context.quick ? "100 updates of one sequence" : "npm start, once built",
    engine,
    threads: context.threads,
    value: ms / 1000,
    unit: "s",
    ms: timingOf([ms]),
    peakBytes,
  });
}
