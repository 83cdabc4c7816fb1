/** What generation_config.json says of a model that config.json does not: where transformers ends a text. */
import { show } from "@normless/text";
import { type Gpt2Config, isToken, stopTokens } from "../model/config.js";

/** The file's name. */
export const GENERATION = "generation_config.json";

/**
 * A note where the two files end a text at different ids: transformers takes those of generation_config.json, `stopTokens`
 * those of config.json.
 * @param json the parsed content of generation_config.json; undefined where there is none
 */
export function endsElsewhere(json: unknown, config: Gpt2Config): readonly string[] {
  if (typeof json !== "object" || json === null || !("eos_token_id" in json)) return [];
  const value = json.eos_token_id;
  const given: unknown[] = Array.isArray(value) ? value : [value];
  const ids = given.filter((id) => typeof id === "number" && isToken(id, config.vocabSize));
  const ends = new Set<unknown>(stopTokens(config));
  if (ids.length === 0 || (ids.length === ends.size && ids.every((id) => ends.has(id)))) return [];
  const here =
    ends.size > 0
      ? `at ${[...ends].slice(0, 8).join(" and at ")}${ends.size > 8 ? " and at …" : ""}`
      : "nowhere";
  return [
    `${GENERATION}: eos_token_id is ${show(value)}, where transformers ends a text; here it ends ${here}, as ` +
      "config.json says. To end it there, write them into config.json",
  ];
}
