/** What both sides are asked, a line of JSON each, and answer. */
import { z } from "zod";

const ids = z.array(z.number());

export const insideRequest = z.discriminatedUnion("op", [
  z.object({ op: z.literal("load"), folder: z.string(), threads: z.number() }),
  z.object({ op: z.literal("cache"), ids }),
  z.object({
    op: z.literal("patch"),
    clean: ids,
    corrupted: ids,
    token: z.number(),
    versus: z.number(),
  }),
  z.object({ op: z.literal("peak") }),
]);

export const loaded = z.object({ description: z.string() });
export const cached = z.object({ ms: z.number(), names: z.number() });
export const patched = z.object({ ms: z.number(), values: z.array(z.number()) });
export const peak = z.object({ bytes: z.number() });
