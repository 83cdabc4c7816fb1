/** A model's config where it is read as JSON: out of a checkpoint, or a run's folder. */
import { checkConfig, type Gpt2Config } from "@normless/gpt2";
import { z } from "zod";
import { messageOf } from "../errors.js";

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

/** A model's config; unknown fields are refused. */
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
