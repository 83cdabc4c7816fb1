/** What `attribute` tells: a logit, or a difference of two, taken apart on one prompt and over its positions, or on many. */
import type {
  AttributedPart,
  Attribution,
  AttributionError,
  MeanAttribution,
  Part,
} from "@normless/interpret";

/** On one prompt. */
export interface AttributionData extends Attribution {
  readonly model: string;
  readonly prompt: string;
  /** In quotes: the token whose logit this is, and the one that stands at the position, whose embedding is a part. */
  readonly tokenText: string;
  /** Of the token whose logit is taken off. */
  readonly versusText?: string;
  readonly lastText: string;
  /** The prompt's last position. */
  readonly last: number;
  /** The same logit or difference after every token of the prompt. */
  readonly overPositions?: readonly PositionAttribution[];
  /** Where a LayerNorm stands before the head, and there was a text to measure on. */
  readonly error?: AttributionError;
}

/** After one token of a prompt. */
export interface PositionAttribution {
  readonly position: number;
  /** In quotes. */
  readonly text: string;
  readonly logit: number;
  readonly parts: readonly AttributedPart[];
}

/** The difference of the right answer's logit and the wrong one's, on the prompts of a file. */
export interface PromptsAttributionData extends MeanAttribution {
  readonly model: string;
  readonly file: string;
}

/** A part as people call it. */
export function partName(
  { kind, name, layer, head, neuron }: Part,
  place?: { readonly lastText: string; readonly position: number },
): string {
  switch (kind) {
    case "token":
      return `token embedding${place ? ` of ${place.lastText}` : ""}`;
    case "position":
      return `position embedding${place ? ` ${place.position}` : ""}`;
    case "head":
      return `h.${layer} head ${head}`;
    case "mlp":
      return `h.${layer} MLP`;
    case "neuron":
      return `h.${layer} neuron ${neuron}`;
    case "bias":
      if (layer !== undefined) return `h.${layer} bias of ${name.includes("mlp") ? "MLP" : "attention"}`;
      return name === "bias" ? "bias" : "bias after the last norm";
  }
}

/** What is taken apart: `" he"`, or `" he" − " she"`. */
export function targetName({
  tokenText,
  versusText,
}: Pick<AttributionData, "tokenText" | "versusText">): string {
  return versusText === undefined ? tokenText : `${tokenText} − ${versusText}`;
}
