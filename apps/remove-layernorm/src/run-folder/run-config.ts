/**
 * A run folder's config.json: everything that a run was resolved to, and where it comes from. `--resume` starts from it,
 * and `--config` takes it as any file of options.
 */
import { isAbsolute, join, resolve } from "node:path";
import { isStandardInput, isUrl } from "@normless/data";
import { jsonText } from "@normless/gpt2";
import { z } from "zod";
import type { Corpus, CorpusFiles } from "../data/corpus.js";
import { engineNames, type EngineOptions, type EngineUsed } from "../engine/engine.js";
import { optionName, UsageError } from "../errors.js";
import { withFloats } from "../json/float-fields.js";
import { checkJson, readJson } from "../json/json.js";
import type { Io } from "../terminal/io.js";
import { type Provenance, provenanceSchema } from "../provenance/schema.js";
import { tokensHash } from "../provenance/sources.js";
import {
  removalRecipeSchema,
  removeOptionsSchema,
  trainOptionsSchema,
  trainRecipeSchema,
  weightDtypes,
} from "../json/schemas.js";

const paths = z.array(z.string());
/** What an option may leave open, a run has. */
const resolved = {
  train: paths,
  validation: paths,
  backend: z.enum(engineNames),
  simd: z.enum(["relaxed", "plain"]).optional(),
  nativeBuild: z.string().optional(),
  provenance: provenanceSchema,
};

export const removeConfigSchema = removeOptionsSchema.extend({
  ...resolved,
  command: z.literal("remove"),
  model: z.string(),
  prompt: z.string(),
  recipe: removalRecipeSchema,
});
export type RemoveConfig = z.infer<typeof removeConfigSchema>;

export const trainConfigSchema = trainOptionsSchema.extend({
  ...resolved,
  command: z.literal("train"),
  dtype: z.enum(weightDtypes),
  recipe: trainRecipeSchema,
});
export type TrainConfig = z.infer<typeof trainConfigSchema>;

export function readRunConfig<X>(folder: string, schema: z.ZodType<X>): Promise<X> {
  const path = join(folder, "config.json");
  return readJson(path).then((json) => checkJson(path, schema, json));
}

/** What to write as a run folder's config.json, floats as floats. */
export function runConfigText(config: RemoveConfig | TrainConfig): string {
  const schema = config.command === "remove" ? removeConfigSchema : trainConfigSchema;
  return `${jsonText(withFloats(schema, config))}\n`;
}

/** What a run keeps of its corpus: files as a later process, in another folder, finds them. */
export function corpusConfig({ train, validation, trainTokens, ...columns }: CorpusFiles) {
  const absolute = (paths: readonly string[]) =>
    paths.map((path) => (isUrl(path) || isStandardInput(path) || isAbsolute(path) ? path : resolve(path)));
  // All of them is what is read where nobody says.
  const some = trainTokens === Infinity ? undefined : trainTokens;
  return { train: absolute(train), validation: absolute(validation), ...columns, trainTokens: some };
}

/** @throws Error when the tokens are not those that the run began with. */
export function checkSameCorpus(tokens: Corpus, folder: string, { data }: Provenance): void {
  const isSame = (part: keyof Corpus) => tokensHash(tokens[part]) === data[part].sha256;
  if (isSame("train") && isSame("validation")) return;
  throw new Error(
    `the corpus is not the one that the run in ${folder} began with (its tokens differ); ` +
      "resume with the same files: --train FILE --validation FILE",
  );
}

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
