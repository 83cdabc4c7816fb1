/** A model's shape without its weights: of a folder no more than its config is read, and GPT-2's sizes need no folder. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { configFromHf, type Gpt2Config, type NormTable, presets } from "@normless/gpt2";
import { UsageError, within } from "../errors.js";
import { readJson } from "../json/json.js";

export interface KnownShape {
  readonly config: Gpt2Config;
  /** Of a folder. */
  readonly norms?: NormTable;
}

/** GPT-2's sizes by their names on the hub, for which nothing is to be downloaded. */
const HUB = {
  gpt2: presets.small,
  "gpt2-medium": presets.medium,
  "gpt2-large": presets.large,
  "gpt2-xl": presets.xl,
};

/** @throws UsageError where there is no such folder, with the ways to say it, of which `otherWay` may be one */
export async function knownShape(model: string, otherWay?: string): Promise<KnownShape> {
  const file = join(model, "config.json");
  if (existsSync(file)) {
    const json = await readJson(file);
    return within(file, () => configFromHf(json));
  }
  const size = model.replace(/^openai-community\//, "");
  if (Object.hasOwn(HUB, size)) return { config: HUB[size as keyof typeof HUB] };
  const sizes = `one of ${Object.keys(HUB).join(", ")}`;
  const ways = otherWay === undefined ? `or ${sizes}` : `${sizes}, or ${otherWay}`;
  throw new UsageError(`there is no ${file}; give a model's folder, ${ways}`);
}
