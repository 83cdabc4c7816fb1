/** What `lens` tells. */
import type { LensCell, LensToken } from "@normless/interpret";

export interface LensData {
  readonly model: string;
  readonly prompt: string;
  /** Whether steps from one row to the next are what was written in between. */
  readonly exact: boolean;
  /** The positions that were asked for, with the token that stands there and the one that is followed, in quotes. */
  readonly positions: readonly {
    readonly position: number;
    readonly text: string;
    readonly token: number;
    readonly tokenText: string;
  }[];
  /** In the order of the model; the last are its own predictions. */
  readonly rows: readonly LensDataRow[];
}

export interface LensDataRow {
  /** The residual, by TransformerLens's name. */
  readonly at: string;
  /** How far the lens is from the affine one; 0 where it is exact. */
  readonly offBy: number;
  readonly cells: readonly LensDataCell[];
}

export interface LensDataCell extends Omit<LensCell, "top"> {
  readonly top: readonly (LensToken & { readonly text: string })[];
}

/** A residual as people read it: `before h.3`, `after attention of h.3`, `final`. */
export function residualName(at: string, layers: number): string {
  const [, layer, which] = /^blocks\.(\d+)\.hook_resid_(pre|mid|post)$/.exec(at) ?? [];
  if (which === "mid") return `h.${layer} after attention`;
  if (which === "post") return Number(layer) === layers - 1 ? "final" : `after h.${layer}`;
  return layer === "0" ? "embeddings" : `after h.${Number(layer) - 1}`;
}
