/** Where taking a model apart is exact, and what is said where it is not. */
import type { Model, NormSite } from "@normless/gpt2";
import { kindOf } from "@normless/layernorm";

/** Whether what a site reads is an affine map of the residual: its norm is frozen, or folded into the weights. */
export function isLinear({ norms }: Pick<Model, "norms">, site: NormSite): boolean {
  return norms[site].kind === "frozen" || norms[site].kind === "folded";
}

/**
 * The sites of these that are not linear.
 * @throws RangeError naming the first, where an exact form was asked for
 */
export function nonlinear(
  model: Pick<Model, "norms">,
  sites: readonly NormSite[],
  what: string,
  exact: boolean,
  otherwise = "Without `exact` the parts are taken at the std of this text, and how far off that is comes with them",
): NormSite[] {
  const found = sites.filter((site) => !isLinear(model, site));
  if (exact && found.length > 0) {
    throw new RangeError(
      `${what}: there is no exact form here, since the norm at ${found[0]} is ${kindOf(model.norms[found[0]])} and divides by what ` +
        `depends on every part. ${otherwise}; or take a model whose norms are frozen or folded`,
    );
  }
  return found;
}

/** Σ |linear − direct| / Σ |direct|, 0 where both are nothing: how far off parts are that a norm is taken as linear for. */
export class OffBy {
  #error = 0;
  #effect = 0;

  add(linear: number, direct: number): void {
    this.#error += Math.abs(linear - direct);
    this.#effect += Math.abs(direct);
  }

  get value(): number {
    return this.#error === 0 ? 0 : this.#error / this.#effect;
  }
}
