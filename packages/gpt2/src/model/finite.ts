/** The one check for what is no number, and its one message: which values, which element, what to do. */

/** A value is NaN or infinite where a number is needed. */
export class NotFiniteError extends Error {}

/** How an error tells of values that are not all numbers. */
export interface FiniteText {
  /** What the values are: `parameter wte.weight`, `the losses`. */
  readonly what: string;
  /** Where the value of an index is: `element 5, [0, 5]`, `position 3 of sequence 2`. */
  readonly place: (index: number) => string;
  /** What to do about it. */
  readonly advice: string;
  /** Is let pass: −Infinity, where it rules an id out. */
  readonly except?: number;
}

/** Where weights are finite and what comes of them is not. */
export const OVERFLOW_ADVICE =
  "the weights are numbers, so something passed float32's largest, 3.4e38, on the way there: " +
  "the model is damaged, or its norms' constants are of another model";

/**
 * The values must be numbers, each of them. One pass of additions: only where their sum is none is the element searched.
 * @param values float32, whose sum no float64 overflows
 * @throws NotFiniteError naming the first that is NaN or infinite
 */
export function checkFinite(values: ArrayLike<number>, { what, place, advice, except }: FiniteText): void {
  // Four sums, so that no addition waits for the one before it.
  let [a, b, c, d] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 4 <= values.length; i += 4) {
    a += values[i];
    b += values[i + 1];
    c += values[i + 2];
    d += values[i + 3];
  }
  for (; i < values.length; i++) a += values[i];
  if (Number.isFinite(a + b + c + d)) return;
  for (let at = 0; at < values.length; at++) {
    if (!Number.isFinite(values[at]) && values[at] !== except) {
      throw new NotFiniteError(`${what} holds ${values[at]} at ${place(at)}; ${advice}`);
    }
  }
}

/** The place of an element of a tensor: `element 5, [0, 5]`, both counted from 0. */
export function elementOf(shape: readonly number[]): FiniteText["place"] {
  return (index) => {
    const place: number[] = [];
    let rest = index;
    for (const dim of shape.toReversed()) {
      place.unshift(rest % dim);
      rest = Math.floor(rest / dim);
    }
    return `element ${index}, [${place.join(", ")}]`;
  };
}
