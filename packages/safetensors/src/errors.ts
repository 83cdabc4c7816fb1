/** What this package throws. */

/**
 * Every refusal of this package: a malformed file, a tensor that is not there, a write that failed.
 * The message names the file, the tensor and the figures, and says how to fix it; `cause` holds the system's error.
 */
export class SafetensorsError extends Error {
  override readonly name = "SafetensorsError";
}
