/** What generation_config.json says of a model that config.json does not: where transformers ends a text. */
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
  const ends: readonly unknown[] = stopTokens(config);
  if (ids.length === 0 || (ids.length === ends.length && ids.every((id) => ends.includes(id)))) return [];
  const here = ends.length > 0 ? `at ${ends.join(" and at ")}` : "nowhere";
  return [
    `${GENERATION}: eos_token_id is ${JSON.stringify(value)}, where transformers ends a text; here it ends ${here}, as ` +
      "config.json says. To end it there, write them into config.json",
  ];
}
