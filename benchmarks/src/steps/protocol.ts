/** What is asked of a process that takes training steps (ours.ts, and PyTorch's script), and what it answers. */
import { z } from "zod";

export const requestSchema = z.discriminatedUnion("op", [
  z.object({ op: z.literal("start"), engine: z.string(), threads: z.int() }),
  z.object({ op: z.literal("load"), folder: z.string() }),
  z.object({
    op: z.literal("step"),
    B: z.int(),
    T: z.int(),
    inputs: z.array(z.int()),
    targets: z.array(z.int()),
  }),
  z.object({ op: z.literal("peak") }),
]);

export const okSchema = z.object({ ok: z.literal(true) });
export const aboutSchema = z.object({ description: z.string() });
export const stepSchema = z.object({ loss: z.number(), ms: z.number() });
/** Missing where the system does not tell. */
export const peakSchema = z.object({ bytes: z.number().optional() });
