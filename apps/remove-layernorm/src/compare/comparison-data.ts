/** What a comparison tells: its figures, where they are from, and its passages in words. The same in JSON and HTML. */
import type { Tokenizer } from "@normless/text";
import type { Both, Comparison, Passage, PositionFigures } from "@normless/evaluate";
import { quotedToken, tokenTexts } from "../terminal/token-text.js";

export interface ComparisonData extends Comparison {
  /** The models, as they were asked for. */
  readonly models: Both<string>;
  readonly data: readonly string[];
  /** What runs: the engine's description. */
  readonly engine: string;
  readonly passages: readonly TextPassage[];
  /** Loss and KL(A‖B) by what a row starts with and position; absent where nobody asked. */
  readonly positions?: Both<PositionFigures> | undefined;
}

export interface TextPassage extends Passage {
  readonly textBefore: string;
  readonly words: readonly Word[];
}

/** A token of a passage in words. */
export interface Word {
  readonly text: string;
  /** In quotes: what each model holds likeliest. */
  readonly top: Both<string>;
}

export function inWords(tokenizer: Tokenizer | undefined, passage: Passage): TextPassage {
  const { before, tokens } = passage;
  const texts = tokenTexts(tokenizer, [...before, ...tokens.map(({ id }) => id)]);
  return {
    ...passage,
    textBefore: texts.slice(0, before.length).join(""),
    words: tokens.map(({ top }, i) => ({
      text: texts[before.length + i],
      top: { a: quotedToken(tokenizer, top.a.id), b: quotedToken(tokenizer, top.b.id) },
    })),
  };
}
