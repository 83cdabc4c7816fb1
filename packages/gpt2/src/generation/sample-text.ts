/** Text from a model, for people to look at. */
import { stopTokens } from "../model/config.js";
import type { Model } from "../model/pass.js";
import { generate } from "./generate.js";
import type { Tokenizer } from "@normless/text";

/** What somebody wrote for a model to go on with: all special tokens count, and an empty one is end-of-text. */
export function promptIds(tokenizer: Tokenizer, prompt: string): number[] {
  const ids = tokenizer.encode(prompt, { specialTokens: true });
  return ids.length === 0 ? [tokenizer.eot] : ids;
}

/** What the model writes after a prompt, the prompt left out. */
export async function sampleText(
  model: Model,
  tokenizer: Tokenizer,
  prompt: string,
  seed: number,
): Promise<string> {
  const ids: number[] = [];
  const stopAt = [tokenizer.eot, ...stopTokens(model.config)];
  const options = { maxTokens: 120, temperature: 0.8, topK: 40, seed, stopAt, drawable: tokenizer.has };
  for await (const id of generate(model, promptIds(tokenizer, prompt), options)) ids.push(id);
  return tokenizer.decode(ids);
}
