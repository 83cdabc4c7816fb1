/** The model that ships: looked for from this file upwards, since the command runs in any folder. */
import { existsSync } from "node:fs";
import { dirname, isAbsolute, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "../errors.js";

const MODEL = join("models", "sotu");

/** The folder of the model that ships, from the working folder where it lies in there. @throws UsageError where this is not a clone of the repository. */
export function shippedModel(from = dirname(fileURLToPath(import.meta.url))): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, MODEL, "vocab.json"))) return fromHere(join(folder, MODEL));
    if (dirname(folder) === folder) break;
  }
  throw new UsageError(
    "no --model was given, and the model that ships (models/sotu) is only in a clone of the repository. " +
      "Give a Hugging Face folder of a GPT-2: --model DIR",
  );
}

function fromHere(path: string): string {
  const way = relative(process.cwd(), path);
  return way.startsWith("..") || isAbsolute(way) ? path : way;
}
