/** What a run may be judged by: a scalar of its logits. */
import { gather, mean, reshape, slice, sub, type Variable } from "@normless/autograd";
import type { Metric } from "./gradients.js";
import { checkToken, positionIn } from "./prompts.js";

/** A token for all rows, or one for each. */
export type TokenOfRow = number | readonly number[];

/** The logit of a token at a position (the last, unless given; from the end where negative), mean over rows. */
export function logitOf(token: TokenOfRow, { position = -1 }: { readonly position?: number } = {}): Metric {
  return (logits) => mean(chosen(logits, token, position));
}

/** The logit of one token less that of another at a position (the last, unless given), mean over rows. */
export function logitDifference(
  token: TokenOfRow,
  versus: TokenOfRow,
  { position = -1 }: { readonly position?: number } = {},
): Metric {
  return (logits) => mean(sub(chosen(logits, token, position), chosen(logits, versus, position)));
}

/** Logits (B,T,V) → (B,1), each row's of its token. */
function chosen(logits: Variable, token: TokenOfRow, position: number): Variable {
  const [B, T, V] = logits.shape;
  const tokens = typeof token === "number" ? new Array<number>(B).fill(token) : token;
  if (tokens.length !== B) {
    throw new RangeError(
      `metric: there are ${tokens.length} tokens for ${B} rows; give one for all, or one for each`,
    );
  }
  for (const one of tokens) checkToken(one, V, "metric");
  const t = positionIn(T, position, "metric");
  const rows = reshape(slice(logits, 1, { start: t, end: t + 1 }), [B, V]);
  const index = logits.tape.record(
    [logits.tape.backend.upload(Int32Array.from(tokens), [B, 1])],
    [],
    () => undefined,
  );
  return gather(rows, 1, index.tensor);
}
