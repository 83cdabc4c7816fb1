/** What a run that goes on is told: by its command line, and by its config.json, which somebody may have changed since. */
import { join } from "node:path";
import type { z } from "zod";
import type { EngineOptions, EngineUsed } from "../engine/engine.js";
import { messageOf, optionName, UsageError } from "../errors.js";
import { differences, said } from "../json/differences.js";
import { checkJson } from "../json/json.js";
import type { Io } from "../terminal/io.js";
import { readRunConfig, type RemoveConfig, type TrainConfig } from "./run-config.js";
import { CONFIG } from "./run-files.js";

/** How the run is run: the same bits either way, but `--resume` is to do it as it was asked for. */
interface Manner {
  readonly recompute?: boolean | undefined;
  readonly tensorboard?: boolean | undefined;
}

/** As it was asked for now or when the run began. */
export function resumedManner(asked: Manner, began: Manner): Manner {
  return {
    recompute: asked.recompute ?? began.recompute,
    tensorboard: asked.tensorboard ?? began.tensorboard,
  };
}

/**
 * A resumed run gives the same bits only on the same engine and build; asking for another is the caller's will. `auto` is
 * the one that the run began with.
 */
export function resumedEngine(asked: EngineOptions, began: EngineUsed): EngineOptions {
  const backend = asked.backend === "auto" ? began.backend : (asked.backend ?? began.backend);
  return {
    backend,
    threads: asked.threads,
    simd: asked.simd ?? (backend === "wasm" || backend === "blas" ? began.simd : undefined),
    blasLibrary: asked.blasLibrary ?? (backend === "blas" ? began.blasLibrary : undefined),
  };
}

/** Says so where a run goes on with an engine, or a build of one, that computes other bits than it began with. */
export function sayOtherBits(io: Io, began: EngineUsed, used: EngineUsed): void {
  const bits = ({ backend, simd, nativeBuild, blasLibrary }: EngineUsed) =>
    [backend, simd && `${simd} SIMD`, nativeBuild && `build ${nativeBuild}`, blasLibrary]
      .filter((part) => part !== undefined)
      .join(", ");
  if (bits(began) === bits(used)) return;
  io.err(
    `the run began with ${bits(began)} and goes on with ${bits(used)}: its bits will differ from those of a run that was ` +
      "not stopped\n",
  );
}

/** Where things are, and how the run is run: what a run that goes on may be told besides what changes it. */
const MANNER = [
  ...["checkpoint", "model", "tokenizer", "train", "validation"],
  ...["backend", "blasLibrary", "threads", "simd", "recompute", "tensorboard"],
];

/**
 * Of a run that goes on, what is not asked for is in its folder; `changes` may be otherwise from there on.
 * @throws UsageError naming the first option that is neither of these nor of its manner.
 */
export function checkResumeOptions(options: object, changes: readonly string[]): void {
  const allowed = [...changes, ...MANNER];
  const given = Object.entries(options).filter(([, value]) => value !== undefined && value !== false);
  const stray = given.find(([name]) => name !== "resume" && !allowed.includes(name));
  if (!stray) return;
  throw new UsageError(
    `${optionName(stray[0])} cannot change a run that has begun. With --resume there may be ` +
      `${allowed.map(optionName).join(", ")}; everything else is in the run folder`,
  );
}

/** Of a configuration what each process that goes on adds, and what is held against the checkpoint's own recipe. */
const NOT_COMPARED = /^(recipe|provenance\.(processes|then))(\.|$)/;

/** A run's configuration when it goes on. */
export interface ResumedConfig<C> {
  readonly config: C;
  /** As it was when the checkpoint was made. */
  readonly began: C;
}

/**
 * What is in the folder's config.json, held against what the checkpoint was made with: what may be otherwise is taken, and
 * said. One that is missing or damaged is the checkpoint's.
 * @throws UsageError naming a field that was changed and may not be
 */
export async function resumedConfig<C extends RemoveConfig | TrainConfig>(
  io: Io,
  folder: string,
  schema: z.ZodType<C>,
  checkpoint: { readonly config: unknown },
): Promise<ResumedConfig<C>> {
  const path = join(folder, CONFIG);
  const began = checkJson("the checkpoint's configuration", schema, checkpoint.config);
  let config: C;
  try {
    config = await readRunConfig(folder, schema);
  } catch (error) {
    io.err(`${messageOf(error)}; the configuration is taken from the checkpoint\n`);
    return { config: began, began };
  }
  const changed = differences(began, config).filter(({ path }) => !NOT_COMPARED.test(path));
  const stray = changed.find(({ path }) => !MANNER.includes(path));
  if (stray) {
    throw new UsageError(
      `${path} was changed: ${stray.path} is ${said(stray.now)}, and at the checkpoint it was ${said(stray.before)}. Put ` +
        "that back, or begin another run with it",
    );
  }
  for (const { path: field, before, now } of changed) {
    io.err(`${path} was changed, and is taken so: ${field} ${said(before)} → ${said(now)}\n`);
  }
  return { config, began };
}
