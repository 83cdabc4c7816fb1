/** Saving and loading GPT-2 small in float32, 500 MB of safetensors, as folders on the machine's temporary disk. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { parameterCount, presets } from "@normless/gpt2";
import { readModelFolder, writeModelFolder } from "@normless/gpt2/node";
import { type Context, longRounds } from "../harness/context.js";
import { inTurns, timed } from "../harness/measure.js";

export const ioCases = ["save", "load"];

export async function ioSuite(context: Context): Promise<void> {
  if (!context.wants(...ioCases)) return;
  const source = await context.models.of(presets.small);
  const model = await readModelFolder(source);
  const target = join(context.models.root, "saved");
  const save = () => writeModelFolder(target, model, { overwrite: true });

  await save();
  const again = await readModelFolder(target);
  for (const [name, { data }] of Object.entries(model.weights)) {
    const other = again.weights[name].data;
    if (
      !Buffer.from(data.buffer, data.byteOffset, data.byteLength).equals(
        Buffer.from(other.buffer, other.byteOffset, other.byteLength),
      )
    ) {
      throw new Error(`saving and loading changed ${name}`);
    }
  }
  const timings = await inTurns(
    [
      timed("save", async () => void (await save())),
      timed("load", async () => void (await readModelFolder(target))),
    ],
    longRounds(context),
  );
  await rm(target, { recursive: true });
  const bytes = 4 * parameterCount(model.weights);
  for (const [i, name] of ioCases.entries()) {
    context.record({
      suite: "io",
      case: name,
      about: `${Math.round(bytes / 1e6)} MB, ${name === "save" ? "synced to disk" : "from the page cache"}`,
      engine: "safetensors",
      threads: 1,
      value: bytes / 1e6 / (timings[i].median / 1000),
      unit: "MB/s",
      ms: timings[i],
    });
  }
}
