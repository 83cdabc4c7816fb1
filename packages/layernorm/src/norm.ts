/**
 * The variants of a LayerNorm as plain data, and the one function that applies them. A variant holds what is not
 * learned (eps, or the frozen stds); gamma and beta are parameters and come with the call. Not a layer and not a
 * module: a model keeps a table of these, and replacing an entry is the whole of "removing a norm".
 * Source: Heimersheim 2024 (arXiv 2409.13710), Baroni et al. 2025 (arXiv 2507.02559) eq. 1 and 2.
 */
import { frozenNorm as applyFrozen, layerNorm, type Value, type Variable } from "@normless/autograd";
import { type PerClass, POSITION_CLASSES, type PositionClass, type Tensor } from "@normless/tensor";

export type Norm =
  /** (x−mean)/sqrt(var+eps)·gamma + beta */
  | { readonly kind: "standard"; readonly eps: number }
  /** (x−mean)/std·gamma + beta, std a constant for each position class */
  | { readonly kind: "frozen"; readonly std: PerClass }
  /** x: everything the norm did now stands in the weights that read it */
  | { readonly kind: "folded" };

/** LayerNorm as trained. `eps` is added to the variance; 0 or more. GPT-2: 1e-5. @throws RangeError */
export function standardNorm(eps = 1e-5): Norm {
  if (!(eps >= 0 && Number.isFinite(eps))) {
    throw new RangeError(
      `standardNorm: eps is ${eps}; it is added to a variance, so it is finite and not negative`,
    );
  }
  return { kind: "standard", eps };
}

/**
 * LayerNorm that divides by constants: one number for every token, or one for each position class, in the residual's
 * units. @throws RangeError naming the class whose std is not positive and finite.
 */
export function frozenNorm(std: PerClass | number): Norm {
  const { first, eot, rest } = typeof std === "number" ? { first: std, eot: std, rest: std } : std;
  const constants = { first, eot, rest };
  for (const name of POSITION_CLASSES) {
    if (!(constants[name] > 0 && Number.isFinite(constants[name]))) {
      throw new RangeError(
        `frozenNorm: std.${name} is ${constants[name]}; a frozen std is positive and finite`,
      );
    }
  }
  return { kind: "frozen", std: constants };
}

/** The identity: its gamma, beta, std and centring were moved into weights (see fold.ts). */
export const foldedNorm: Norm = { kind: "folded" };

/** What a norm works with besides x. `classes` is int32, one position class a token (see positions.ts). */
export interface NormOperands {
  /** (C); a folded norm has none. */
  readonly gamma?: Value | undefined;
  /** (C); a folded norm has none. */
  readonly beta?: Value | undefined;
  readonly classes: Tensor;
}

/** x (...,C) → (...,C). A folded norm returns x itself. @throws Error when gamma or beta is needed and missing. */
export function applyNorm(norm: Norm, x: Variable, { gamma, beta, classes }: NormOperands): Variable {
  if (norm.kind === "folded") return x;
  if (!gamma || !beta) {
    const missing = [!gamma && "gamma", !beta && "beta"].filter(Boolean).join(" and ");
    throw new Error(
      `applyNorm: a ${norm.kind} norm needs gamma and beta; missing: ${missing}. ` +
        "Give the parameters, or use foldedNorm where they were folded into the next weights.",
    );
  }
  return norm.kind === "standard"
    ? layerNorm(x, gamma, beta, norm.eps)
    : applyFrozen(x, { gamma, beta, classes }, norm.std);
}

/** Whether both give the same result for the same operands, so that one computation serves two paths. */
export function sameNorm(a: Norm, b: Norm): boolean {
  if (a.kind === "standard" && b.kind === "standard") return a.eps === b.eps;
  if (a.kind === "frozen" && b.kind === "frozen") {
    return POSITION_CLASSES.every((name) => a.std[name] === b.std[name]);
  }
  return a.kind === b.kind;
}

/**
 * The removal of a special constant: the std of `positionClass` becomes that of the rest.
 * @throws Error unless the norm is frozen.
 */
export function withClassConstant(norm: Norm, positionClass: Exclude<PositionClass, "rest">): Norm {
  if (norm.kind !== "frozen") {
    throw new Error(
      `withClassConstant: a ${norm.kind} norm has no constant for class ${positionClass}; freeze it before`,
    );
  }
  return frozenNorm({ ...norm.std, [positionClass]: norm.std.rest });
}

/** Frozen with one constant for all classes, that is an affine map of x alone: what can be folded into weights. */
export function isUniform(norm: Norm): boolean {
  return norm.kind === "frozen" && POSITION_CLASSES.every((name) => norm.std[name] === norm.std.rest);
}

/** A norm from JSON (a checkpoint, a config). @throws TypeError or RangeError saying what was expected where. */
export function parseNorm(json: unknown): Norm {
  const { kind, eps, std } = record("a norm", json);
  switch (kind) {
    case "standard":
      return standardNorm(number("eps", eps));
    case "frozen": {
      const { first, eot, rest } = record("std", std);
      return frozenNorm({
        first: number("std.first", first),
        eot: number("std.eot", eot),
        rest: number("std.rest", rest),
      });
    }
    case "folded":
      return foldedNorm;
    default:
      throw new TypeError(
        `parseNorm: kind is ${JSON.stringify(kind)}; expected "standard", "frozen" or "folded"`,
      );
  }
}

function record(what: string, json: unknown): Record<string, unknown> {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new TypeError(`parseNorm: ${what} is an object, not ${JSON.stringify(json)}`);
  }
  return { ...json };
}

function number(what: string, json: unknown): number {
  if (typeof json !== "number")
    throw new TypeError(`parseNorm: ${what} is a number, not ${JSON.stringify(json)}`);
  return json;
}
