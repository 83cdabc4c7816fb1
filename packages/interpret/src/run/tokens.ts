/** Tokens on the model's engine for as long as they are used. */
import { freeTokens, type HostTokens, type Model, type Tokens, uploadTokens } from "@normless/gpt2";

/** What `use` makes of a batch's tokens, which go afterwards, also when it throws. */
export function withTokens<R>(
  { config, params }: Pick<Model, "config" | "params">,
  batch: HostTokens,
  use: (tokens: Tokens) => R,
): R {
  const tokens = uploadTokens(params["wte.weight"].backend, config, batch);
  try {
    return use(tokens);
  } finally {
    freeTokens(tokens);
  }
}
