/** Everything that is read as JSON, or out of a checkpoint, and how it must look. Unknown keys are refused. */
import { checkConfig, type Gpt2Config, type WeightDtype } from "@normless/gpt2";
import { z } from "zod";
import { removalLosses, type RemovalRecipe, specialConstants, type TrainRecipe } from "../core/index.js";
import { engineChoices } from "./engine.js";
import { messageOf } from "./errors.js";

const count = z.int().min(1);
const step = z.int().min(0);
const positive = z.number().positive();
const share = z.number().min(0).lt(1);
const wait = z.number().min(0);

const training = {
  steps: count,
  batchSize: count,
  microBatchSize: count,
  blockSize: count,
  learningRate: z.strictObject({
    peak: positive,
    floor: z.number().min(0),
    warmupSteps: step,
    totalSteps: count,
  }),
  beta1: z.number().min(0).lt(1),
  beta2: z.number().min(0).lt(1),
  adamEps: positive,
  weightDecay: z.number().min(0),
  maxNorm: positive,
  seed: z.int(),
  validationTokens: step,
  checkpointEvery: count,
};

const pace = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("fixed"),
    start: count,
    gaps: z.strictObject({ ln_2: wait, "ln_1:qk": wait, "ln_1:v": wait }),
    eotAfter: wait,
    firstAfter: wait,
    stretches: z
      .array(z.strictObject({ from: wait, factor: positive }))
      .readonly()
      .optional(),
  }),
  z.strictObject({ kind: z.literal("taper"), begin: count, end: count, keep: share }),
  z.strictObject({
    kind: z.literal("adaptive"),
    start: count,
    margin: z.number(),
    keep: share,
    probeSequences: count,
    together: z.number().min(0),
    diverged: positive,
    patience: count,
    deadline: count,
  }),
]);

/** Names or patterns of norms; which there are, the model tells. */
const sites = z.array(z.string().min(1)).min(1).readonly();

export const removalRecipeSchema = z.strictObject({
  name: z.string().regex(/^[\w.-]+$/, "expected letters, digits, dots and dashes, since it names a folder"),
  source: z.string(),
  loss: z.enum(removalLosses),
  ...training,
  auxiliaryWeight: z.number().min(0),
  constants: z.strictObject({
    from: z.discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("training"), keep: share }),
      z.strictObject({ kind: z.literal("original"), sequences: count }),
    ]),
    special: z.enum(specialConstants),
    shareQkv: z.boolean(),
  }),
  pace,
  sites: sites.optional(),
  madeFor: z.strictObject({ model: z.string(), layers: count }).optional(),
  failsOnSink: z.strictObject({ how: z.string(), instead: z.string() }).optional(),
}) satisfies z.ZodType<RemovalRecipe>;

export const trainRecipeSchema = z.strictObject({
  ...training,
  evaluateEvery: count,
}) satisfies z.ZodType<TrainRecipe>;

/**
 * Of what type each field of a model's config is; the compiler asks for every one. Which values make a model is for
 * checkConfig to say, as it does where config.json is read, so that what a run starts with its checkpoints carry.
 */
const gpt2Fields = {
  vocabSize: z.int(),
  blockSize: z.int(),
  channels: z.int(),
  layers: z.int(),
  heads: z.int(),
  inner: z.int(),
  gelu: z.enum(["tanh", "none"]),
  eps: z.number(),
  tied: z.boolean(),
  eot: z.int().optional(),
  eosTokenIds: z.array(z.int()).optional(),
  bosTokenId: z.int().optional(),
  padTokenId: z.int().optional(),
  scaleAttnWeights: z.literal(false).optional(),
  scaleAttnByInverseLayerIdx: z.literal(true).optional(),
  reorderAndUpcastAttn: z.literal(true).optional(),
} satisfies { [Field in keyof Required<Gpt2Config>]: z.ZodType<Gpt2Config[Field]> };

/** A model's config in a checkpoint or a run folder. */
export const gpt2ConfigSchema = z
  .strictObject(gpt2Fields)
  .transform((config): Gpt2Config => ({ ...config, eot: config.eot }))
  .superRefine((config, context) => {
    try {
      checkConfig(config);
    } catch (error) {
      context.addIssue({ code: "custom", message: messageOf(error) });
    }
  });

/** Which engine runs, as the options say it. */
export const engineFields = {
  backend: z.enum(engineChoices).optional(),
  threads: z.int().min(1).max(64).optional(),
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
  trainTokens: count.optional(),
  recipe: recipe.optional(),
  steps: count.optional(),
  batchSize: count.optional(),
  microBatchSize: count.optional(),
  blockSize: count.optional(),
  learningRate: positive.optional(),
  seed: z.int().optional(),
  validationTokens: step.optional(),
  checkpointEvery: count.optional(),
};

/** The content of `normless remove --config FILE`: options by their names. */
export const removeOptionsSchema = z.strictObject({
  ...fields,
  model: z.string().optional(),
  prompt: z.string().optional(),
  auxiliaryWeight: z.number().min(0).optional(),
  gapFactor: positive.optional(),
  sites: z.union([z.string().transform((text) => text.split(",")), sites]).optional(),
  sharedQkvStd: z.boolean().optional(),
  bugCompatible: z.boolean().optional(),
});
export type RemoveFileOptions = z.infer<typeof removeOptionsSchema>;

/** The content of `normless train --config FILE`. */
export const weightDtypes = ["F32", "F16", "BF16"] as const satisfies readonly WeightDtype[];
export const trainOptionsSchema = z.strictObject({
  ...fields,
  preset: z.string().optional(),
  modelConfig: z.string().optional(),
  dtype: z.enum(weightDtypes).optional(),
  tokenizer: z.string().optional(),
  evaluateEvery: count.optional(),
});
export type TrainFileOptions = z.infer<typeof trainOptionsSchema>;

const constants = z.union([positive, z.strictObject({ first: positive, eot: positive, rest: positive })], {
  error: "expected a number above 0, or an object of first, eot and rest",
});
/** The content of `normless logits --norms FILE`: constants by site, or by module for both paths of an ln_1. */
export const normConstantsSchema = z.record(z.string(), constants);

const rows = z.array(z.array(z.int().min(0)).min(1)).min(1);
/** The content of `normless logits --tokens FILE`. */
export const tokenRowsSchema = z.union([rows, z.strictObject({ tokens: rows, targets: rows.optional() })]);
