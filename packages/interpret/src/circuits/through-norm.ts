/** What a norm before a projection makes of the parts of one residual, on the host in float64. */
import type { Model, NormSite } from "@normless/gpt2";
import { kindOf } from "@normless/layernorm";
import type { PositionClass } from "@normless/tensor";

/** A norm without its gamma and beta, which stand in the projection (`readProjection`): centring and dividing. */
export interface Divider {
  /** What a whole residual is divided by. */
  readonly std: (residual: ArrayLike<number>, position: PositionClass) => number;
  /** A vector centred and divided; as it is where the norm is folded. */
  readonly divide: (x: ArrayLike<number>, std: number) => Float64Array;
}

/** @throws Error for a norm of which a part's share is not known: on its way out, or from outside */
export function dividerOf({ norms }: Pick<Model, "norms">, site: NormSite): Divider {
  const norm = norms[site];
  if (norm.kind === "folded") return { std: () => 1, divide: (x) => Float64Array.from(x) };
  if (norm.kind !== "frozen" && norm.kind !== "standard") {
    throw new Error(`the norm at ${site} is ${kindOf(norm)}: what part of it a component has is not known`);
  }
  return {
    std: (residual, position) =>
      norm.kind === "frozen" ? norm.std[position] : Math.sqrt(varianceOf(residual) + norm.eps),
    divide: (x, std) => {
      const mean = meanOf(x);
      return Float64Array.from(x, (value) => (value - mean) / std);
    },
  };
}

function meanOf(x: ArrayLike<number>): number {
  let sum = 0;
  for (let c = 0; c < x.length; c++) sum += x[c];
  return sum / x.length;
}

function varianceOf(x: ArrayLike<number>): number {
  const mean = meanOf(x);
  let sum = 0;
  for (let c = 0; c < x.length; c++) sum += (x[c] - mean) ** 2;
  return sum / x.length;
}
