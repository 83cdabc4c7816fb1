/** A run folder's config.json: everything that a run was resolved to, and what `--resume` starts from. */
import { isAbsolute, join, resolve } from "node:path";
import { jsonText } from "@normless/gpt2";
import { z } from "zod";
import { type Corpus, type CorpusFiles, corpusHash } from "./corpus.js";
import { isUrl } from "./data/kinds.js";
import { engineNames, type EngineOptions, type EngineUsed } from "./engine.js";
import { optionName, UsageError } from "./errors.js";
import { withFloats } from "./float-fields.js";
import { checkJson, readJson } from "./json.js";
import { gpt2ConfigSchema, removalRecipeSchema, trainRecipeSchema, weightDtypes } from "./schemas.js";

const corpus = z.strictObject({
  train: z.array(z.string()),
  validation: z.array(z.string()),
  textColumn: z.string().optional(),
  tokenColumn: z.string().optional(),
  trainTokens: z.int().min(1).optional(),
  /** Of the tokens of both. */
  hash: z.string(),
});
const engine = z.strictObject({
  backend: z.enum(engineNames),
  simd: z.enum(["relaxed", "plain"]).optional(),
  blasLibrary: z.string().optional(),
});

/** How the run is run: the same bits either way, but `--resume` is to do it as it was asked for. */
const manner = {
  recompute: z.boolean().optional(),
  tensorboard: z.boolean().optional(),
};

export const removeConfigSchema = z.strictObject({
  command: z.literal("remove"),
  model: z.string(),
  corpus,
  prompt: z.string(),
  engine,
  ...manner,
  recipe: removalRecipeSchema,
});
type Manner = Pick<z.infer<typeof removeConfigSchema>, keyof typeof manner>;
export type RemoveConfig = z.infer<typeof removeConfigSchema>;

export const trainConfigSchema = z.strictObject({
  command: z.literal("train"),
  tokenizer: z.string(),
  corpus,
  engine,
  ...manner,
  model: gpt2ConfigSchema,
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
export function corpusConfig(files: CorpusFiles, tokens: Corpus): RemoveConfig["corpus"] {
  const absolute = (paths: readonly string[]) =>
    paths.map((path) => (isUrl(path) || isAbsolute(path) ? path : resolve(path)));
  return {
    ...files,
    train: absolute(files.train),
    validation: absolute(files.validation),
    hash: hashOf(tokens),
  };
}

function hashOf({ train, validation }: Corpus): string {
  return `${corpusHash(train)}-${corpusHash(validation)}`;
}

/** @throws Error when the tokens are not those that the run began with. */
export function checkSameCorpus(tokens: Corpus, folder: string, { hash }: RemoveConfig["corpus"]): void {
  if (hashOf(tokens) === hash) return;
  throw new Error(
    `the corpus is not the one that the run in ${folder} began with (its tokens differ); ` +
      "resume with the same files: --train FILE --validation FILE",
  );
}

/** As it was asked for now or when the run began. */
export function resumedManner(asked: Manner, began: Manner): Manner {
  return {
    recompute: asked.recompute ?? began.recompute,
    tensorboard: asked.tensorboard ?? began.tensorboard,
  };
}

/** A resumed run gives the same bits only on the same engine and build; asking for another is the caller's will. */
export function resumedEngine(asked: EngineOptions, began: EngineUsed): EngineOptions {
  const backend = asked.backend ?? began.backend;
  return {
    backend,
    threads: asked.threads,
    simd: asked.simd ?? (backend === "wasm" || backend === "blas" ? began.simd : undefined),
    blasLibrary: asked.blasLibrary ?? (backend === "blas" ? began.blasLibrary : undefined),
  };
}

/**
 * Options that a resumed run takes from its folder.
 * @throws UsageError naming the first that was given besides those allowed.
 */
export function checkResumeOptions(options: object, allowed: readonly string[]): void {
  const given = Object.entries(options).filter(([, value]) => value !== undefined && value !== false);
  const stray = given.find(([name]) => name !== "resume" && !allowed.includes(name));
  if (!stray) return;
  throw new UsageError(
    `${optionName(stray[0])} cannot change a run that has begun. With --resume there may be ` +
      `${allowed.map(optionName).join(", ")}; everything else is in the run folder`,
  );
}
