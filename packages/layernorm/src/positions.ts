/** Which position class each token is of; see the classes' contract in @normless/tensor. */
import { POSITION_CLASSES, type PositionClass } from "@normless/tensor";

/** How the ids are to be read: as (B,T), from which position on, and with which end-of-text. */
export interface PositionOptions {
  /** Sequences. */
  readonly B: number;
  /** Tokens a sequence. */
  readonly T: number;
  /** The id of end-of-text, for a model that has one. */
  readonly eot?: number | undefined;
  /** The position of the first of the T tokens. Beyond 0 (generation goes on) no token is the first. */
  readonly past?: number;
}

/**
 * Token ids (B,T) → one class a token: 0 the first position, whatever stands there; 1 end-of-text; 2 the rest.
 * @throws RangeError when there are not B·T ids
 */
export function positionClasses(ids: Int32Array, { B, T, eot, past = 0 }: PositionOptions): Int32Array {
  if (ids.length !== B * T) {
    throw new RangeError(`positionClasses: ${ids.length} ids are not B·T = ${B}·${T}`);
  }
  return ids.map((id, n) => {
    if (past === 0 && n % T === 0) return numberOf("first");
    return numberOf(id === eot ? "eot" : "rest");
  });
}

function numberOf(positionClass: PositionClass): number {
  return POSITION_CLASSES.indexOf(positionClass);
}
