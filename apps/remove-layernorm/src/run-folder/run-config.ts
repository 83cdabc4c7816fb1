/**
 * A run folder's config.json: everything that a run was resolved to, and where it comes from. `--resume` starts from it,
 * and `--config` takes it as any file of options.
 */
import { isAbsolute, join, resolve } from "node:path";
import { isStandardInput, isUrl } from "@normless/data";
import { jsonText } from "@normless/gpt2";
import { z } from "zod";
import type { Corpus, CorpusFiles } from "../data/corpus.js";
import { engineNames } from "../engine/engine.js";
import { withFloats } from "../json/float-fields.js";
import { checkJson, readJson } from "../json/json.js";
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
