/** Everything that is read as JSON, or out of a checkpoint, and how it must look. Unknown keys are refused. */
import type { WeightDtype } from "@normless/gpt2";
import { z } from "zod";
import { rateScalings, type TrainRecipe } from "@normless/train";
import { removalLosses, type RemovalRecipe, specialConstants } from "@normless/removal";
import { engineChoices } from "../engine/engine.js";
import { MOST } from "../options/most.js";
import { gpt2ConfigSchema } from "./gpt2-config-schema.js";
import { provenanceSchema } from "../provenance/schema.js";

/** So many of something, one at least; `step` where there may be none. */
const count = (of: keyof typeof MOST) => z.int().min(1).max(MOST[of]);
const step = (of: keyof typeof MOST) => z.int().min(0).max(MOST[of]);
/** As the command line says it, and read as that is. */
const countOrAll = z.union([z.int().min(1), z.literal("all").transform(() => Infinity)], {
  error: 'expected a whole number from 1 up, or "all"',
});
const positive = z.number().positive();
const share = z.number().min(0).lt(1);
const moments = z.enum(["float32", "bfloat16"]);
const wholeShare = z.number().min(0).max(1);
const wait = z.number().min(0);

const training = {
  steps: count("steps"),
  batchSize: count("batchSize"),
  microBatchSize: count("microBatchSize"),
  blockSize: count("blockSize"),
  eotShare: wholeShare,
  shortShare: wholeShare,
  shortTokens: count("shortTokens"),
  learningRate: z.strictObject({
    peak: positive,
    floor: z.number().min(0),
    warmupSteps: step("warmupSteps"),
    totalSteps: count("totalSteps"),
  }),
  beta1: z.number().min(0).lt(1),
  beta2: z.number().min(0).lt(1),
  adamEps: positive,
  moments,
  weightDecay: z.number().min(0),
  maxNorm: positive,
  seed: z.int(),
  validationTokens: z.int().min(0),
  checkpointEvery: count("checkpointEvery"),
};

const pace = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("fixed"),
    start: count("steps"),
    gaps: z.strictObject({ ln_2: wait, "ln_1:qk": wait, "ln_1:v": wait }),
    eotAfter: wait,
    firstAfter: wait,
    stretches: z
      .array(z.strictObject({ from: wait, factor: positive }))
      .readonly()
      .optional(),
  }),
  z.strictObject({ kind: z.literal("taper"), begin: count("steps"), end: count("steps"), keep: share }),
]);

/** Names or patterns of norms; which there are, the model tells. */
const sites = z.array(z.string().min(1)).min(1).readonly();

export const removalRecipeSchema = z.strictObject({
  name: z.string().regex(/^[\w.-]+$/, "expected letters, digits, dots and dashes, since it names a folder"),
  source: z.string(),
  loss: z.enum(removalLosses),
  ...training,
  untieHead: z.boolean(),
  auxiliaryWeight: z.number().min(0),
  controlAuxiliary: z.boolean(),
  constants: z.strictObject({
    from: z.discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("training"), keep: share }),
      z.strictObject({ kind: z.literal("original"), sequences: count("sequences") }),
    ]),
    special: z.enum(specialConstants),
    shareQkv: z.boolean(),
  }),
  pace,
  sites: sites.optional(),
  evaluateEvery: step("evaluateEvery"),
  madeFor: z.strictObject({ model: z.string(), layers: count("layers") }).optional(),
  failsOnSink: z.strictObject({ how: z.string(), instead: z.string() }).optional(),
}) satisfies z.ZodType<RemovalRecipe>;

export const trainRecipeSchema = z.strictObject({
  ...training,
  evaluateEvery: step("evaluateEvery"),
}) satisfies z.ZodType<TrainRecipe>;

/** Which engine runs, as the options say it. */
export const engineFields = {
  backend: z.enum(engineChoices).optional(),
  threads: count("threads").optional(),
  simd: z.enum(["auto", "relaxed", "plain"]).optional(),
  blasLibrary: z.string().optional(),
};

const files = z.union([z.string(), z.array(z.string()).min(1)]).transform((value) => [value].flat());
/** A recipe's name, its file, or fields that override the built-in one. */
const recipe = z.union([z.string(), z.record(z.string(), z.unknown())]);
const fields = {
  ...engineFields,
  recompute: z.boolean().optional(),
  tensorboard: z.boolean().optional(),
  out: z.string().optional(),
  corpus: z.string().optional(),
  train: files.optional(),
  validation: files.optional(),
  textColumn: z.string().optional(),
  tokenColumn: z.string().optional(),
  trainTokens: countOrAll.optional(),
  recipe: recipe.optional(),
  steps: count("steps").optional(),
  batchSize: count("batchSize").optional(),
  microBatchSize: count("microBatchSize").optional(),
  blockSize: count("blockSize").optional(),
  eotShare: wholeShare.optional(),
  shortShare: wholeShare.optional(),
  moments: moments.optional(),
  learningRate: positive.optional(),
  scaleLearningRate: z.enum(rateScalings).optional(),
  seed: z.int().optional(),
  validationTokens: countOrAll.optional(),
  evaluateEvery: step("evaluateEvery").optional(),
  checkpointEvery: count("checkpointEvery").optional(),
  /** Of the run that the file was written by, if one was. */
  provenance: provenanceSchema.optional(),
  nativeBuild: z.string().optional(),
};

/**
 * The content of `normless remove --config FILE`: options by their names. A run's config.json is such a file, with
 * everything in it that the options resolved to.
 */
export const removeOptionsSchema = z.strictObject({
  command: z.literal("remove").optional(),
  ...fields,
  model: z.string().optional(),
  prompt: z.string().optional(),
  auxiliaryWeight: z.number().min(0).optional(),
  gapFactor: positive.optional(),
  sites: z.union([z.string().transform((text) => text.split(",")), sites]).optional(),
  sharedQkvStd: z.boolean().optional(),
  bugCompatible: z.boolean().optional(),
});

export const weightDtypes = ["F32", "F16", "BF16"] as const satisfies readonly WeightDtype[];
/** The content of `normless train --config FILE`, and so of a training's config.json. */
export const trainOptionsSchema = z.strictObject({
  command: z.literal("train").optional(),
  ...fields,
  /** The model's shape whole, in place of a preset's name or a file. */
  shape: gpt2ConfigSchema.optional(),
  /** Goes on from a model, which has a shape and a tokenizer of its own. */
  model: z.string().optional(),
  preset: z.string().optional(),
  modelConfig: z.string().optional(),
  layers: count("layers").optional(),
  heads: count("heads").optional(),
  channels: count("channels").optional(),
  inner: count("inner").optional(),
  context: count("context").optional(),
  vocabSize: count("vocabSize").optional(),
  dtype: z.enum(weightDtypes).optional(),
  tokenizer: z.string().optional(),
});

const constants = z.union([positive, z.strictObject({ first: positive, eot: positive, rest: positive })], {
  error: "expected a number above 0, or an object of first, eot and rest",
});
/** The content of `normless logits --norms FILE`: constants by site, or by module for both paths of an ln_1. */
export const normConstantsSchema = z.record(z.string(), constants);

const rows = z.array(z.array(z.int().min(0)).min(1)).min(1);
/** The content of `normless logits --token-ids FILE`. */
export const tokenRowsSchema = z.union([rows, z.strictObject({ tokens: rows, targets: rows.optional() })]);
