/** What is asked of a process that takes training steps (ours.ts, and PyTorch's script), and what it answers. */
import type { Gpt2Config } from "@normless/gpt2";
import { z } from "zod";

export const requestSchema = z.discriminatedUnion("op", [
  z.object({ op: z.literal("start"), engine: z.string(), threads: z.int() }),
  z.object({
    op: z.literal("load"),
    /** Checked by whoever makes the model. */
    config: z.custom<Gpt2Config>(),
    /** A safetensors file. */
    weights: z.string(),
    optimizer: z.object({
      learningRate: z.number(),
      beta1: z.number(),
      beta2: z.number(),
      eps: z.number(),
      weightDecay: z.number(),
      maxNorm: z.number(),
    }),
  }),
  z.object({
    op: z.literal("step"),
    B: z.int(),
    T: z.int(),
    inputs: z.array(z.int()),
    targets: z.array(z.int()),
  }),
  z.object({ op: z.literal("peak") }),
]);

export type LoadRequest = Extract<z.infer<typeof requestSchema>, { op: "load" }>;

export const okSchema = z.object({ ok: z.literal(true) });
export const aboutSchema = z.object({ description: z.string() });
export const stepSchema = z.object({ loss: z.number(), ms: z.number() });
/** Missing where the system does not tell. */
export const peakSchema = z.object({ bytes: z.number().optional() });
