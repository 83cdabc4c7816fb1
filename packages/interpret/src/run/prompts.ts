/** What is run: one text as token ids, or several of one length. */
import type { HostTokens } from "@normless/gpt2";

/** Token ids: a row, or rows of the same length. */
export type Prompts = readonly number[] | readonly (readonly number[])[];

/** Prompts as a batch. @throws RangeError for none, for a row without a token, and for rows of different lengths */
export function batchOf(prompts: Prompts, what = "prompts"): HostTokens {
  const rows = isRow(prompts) ? [prompts] : prompts;
  const T = rows[0]?.length ?? 0;
  if (T === 0) throw new RangeError(`${what}: there is no token; a prompt has one at least`);
  const other = rows.findIndex(({ length }) => length !== T);
  if (other > 0) {
    throw new RangeError(
      `${what}: row ${other} has ${rows[other].length} tokens and row 0 has ${T}; rows of a batch have the same length`,
    );
  }
  return { inputs: Int32Array.from(rows.flat()), B: rows.length, T };
}

function isRow(prompts: Prompts): prompts is readonly number[] {
  return prompts.length === 0 || typeof prompts[0] === "number";
}

/** A position counted from the end where it is negative, from the start. @throws RangeError outside of the prompt */
export function positionIn(T: number, position: number, what: string): number {
  const t = position < 0 ? T + position : position;
  if (Number.isInteger(position) && t >= 0 && t < T) return t;
  throw new RangeError(
    `${what}: position ${position} is outside the prompt, whose ${T} positions are 0 to ${T - 1}, or −${T} to −1 from its end`,
  );
}

/** @throws RangeError for an id that is no token of the model */
export function checkToken(token: number, vocabSize: number, what: string): number {
  if (Number.isInteger(token) && token >= 0 && token < vocabSize) return token;
  throw new RangeError(`${what}: token ${token} is outside the vocabulary of ${vocabSize}`);
}
