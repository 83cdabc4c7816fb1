/** Patches on a scale of the two prompts: 0 is the corrupted one as it is, 1 the clean one. */
import type { Patching } from "./activation-patching.js";

/** (value − corrupted) / (clean − corrupted), in the order of the patches. @throws RangeError where the prompts come to the same */
export function normalisedPatches({ values, clean, corrupted }: Patching): Float64Array {
  const range = clean - corrupted;
  if (range === 0) {
    throw new RangeError(
      `normalisedPatches: the clean prompt and the corrupted one both come to ${clean}, so that there is nothing to bring back; ` +
        "give prompts that the metric tells apart",
    );
  }
  return values.map((value) => (value - corrupted) / range);
}
