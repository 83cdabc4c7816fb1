/**
 * The variants of a LayerNorm as plain data, and the one function that applies them. A variant holds what is not
 * learned (eps, or the frozen stds); gamma and beta are parameters and come with the call. Not a layer and not a
 * module: a model keeps a table of these, and replacing an entry is the whole of "removing a norm".
 * Source: Heimersheim 2024 (arXiv 2409.13710), Baroni et al. 2025 (arXiv 2507.02559) eq. 1 and 2, TaperNorm 2026
 * (arXiv 2602.10408).
 */
import {
  add,
  frozenNorm as applyFrozen,
  layerNorm,
  mul,
  scale,
  type Value,
  type Variable,
} from "@normless/autograd";
import { type PerClass, POSITION_CLASSES, type PositionClass, type Tensor } from "@normless/tensor";

/** A norm of x (...,C) as plain data; gamma and beta, (C), are parameters and stand elsewhere. */
export type Norm =
  /** (x−mean)/sqrt(var+eps)·gamma + beta */
  | { readonly kind: "standard"; readonly eps: number }
  /**
   * (x−mean)/std·gamma + beta, std a constant for each position class. `firstChannel` is the std of channel 0 at every
   * position, where it has one of its own: so did the code released in 2024, which took a channel for a position.
   */
  | { readonly kind: "frozen"; readonly std: PerClass; readonly firstChannel?: number }
  /** gate·standard + (1−gate)·frozen, on the way from the one to the other (see taper.ts) */
  | { readonly kind: "tapered"; readonly eps: number; readonly gate: number; readonly std: number }
  /** x: everything the norm did now stands in the weights that read it */
  | { readonly kind: "folded" }
  /** One from outside. It is code and no data: no file holds it, and nothing here knows what it does to x. */
  | { readonly kind: "own"; readonly name: string; readonly apply: OwnNorm };

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
 * units; channel 0 by `firstChannel` where it is given.
 * @throws RangeError naming the class whose std is not positive and finite.
 */
export function frozenNorm(std: PerClass | number, firstChannel?: number): Norm & { kind: "frozen" } {
  const { first, eot, rest } = typeof std === "number" ? { first: std, eot: std, rest: std } : std;
  const constants = { first, eot, rest };
  const all = { ...constants, ...(firstChannel !== undefined && { firstChannel }) };
  for (const [name, value] of Object.entries(all)) {
    // As float32, which computes.
    const std = Math.fround(value);
    if (!(std > 0 && Number.isFinite(std))) {
      throw new RangeError(
        `frozenNorm: std.${name} is ${value}; a frozen std is positive and finite, as float32 too`,
      );
    }
  }
  return { kind: "frozen", std: constants, ...(firstChannel !== undefined && { firstChannel }) };
}

/**
 * A norm on its way out: `gate` of LayerNorm and the rest of one frozen at `std`, with one gamma and beta for both.
 * A gate of 1 is LayerNorm, 0 the frozen norm. @throws RangeError
 */
export function taperedNorm(options: {
  readonly eps: number;
  readonly gate: number;
  readonly std: number;
}): Norm {
  const { eps, gate, std } = options;
  if (!(gate >= 0 && gate <= 1)) {
    throw new RangeError(`taperedNorm: the gate is ${gate}; it goes from 1 (LayerNorm) to 0 (frozen)`);
  }
  standardNorm(eps);
  frozenNorm(std);
  return { kind: "tapered", eps, gate, std };
}

/** The identity: its gamma, beta, std and centring were moved into weights (see fold.ts). */
export const foldedNorm: Norm = { kind: "folded" };

/** What a norm from outside works with besides x: gamma and beta (C), and the position classes, int32. */
export interface OwnNormOperands {
  readonly gamma: Value;
  readonly beta: Value;
  readonly classes: Tensor;
  /** A parameter that this norm has beside those, as the model calls it: `h.0.ln_1.alpha` for `alpha`. @throws Error where there is none */
  readonly parameter: (name: string) => Value;
}

/** x (...,C) → (...,C). */
export type OwnNorm = (x: Variable, operands: OwnNormOperands) => Variable;

/**
 * A norm from outside, under a name that messages call it by. Norms of one function are the same: make one, and put it
 * wherever it reads. It can be trained and measured; it cannot be written, folded or removed, which says so.
 */
export function ownNorm(name: string, apply: OwnNorm): Norm & { kind: "own" } {
  return { kind: "own", name, apply };
}

/** A norm in an error's words: `frozen`, or `"DyT", a norm from outside`. */
export function kindOf(norm: Norm): string {
  return norm.kind === "own" ? `${JSON.stringify(norm.name)}, a norm from outside` : norm.kind;
}

/** What a norm works with besides x. `classes` is int32, one position class a token (see positions.ts). */
export interface NormOperands {
  /** (C); a folded norm has none. */
  readonly gamma?: Value | undefined;
  /** (C); a folded norm has none. */
  readonly beta?: Value | undefined;
  readonly classes: Tensor;
  /** By its name, what a norm from outside has beside gamma and beta. */
  readonly parameter?: ((name: string) => Value | undefined) | undefined;
}

/** x (...,C) → (...,C). A folded norm returns x itself. @throws Error when a parameter is needed and missing. */
export function applyNorm(
  norm: Norm,
  x: Variable,
  { gamma, beta, classes, parameter }: NormOperands,
): Variable {
  if (norm.kind === "folded") return x;
  if (!gamma || !beta) {
    const missing = [!gamma && "gamma", !beta && "beta"].filter(Boolean).join(" and ");
    throw new Error(
      `applyNorm: ${named(norm)} needs gamma and beta; missing: ${missing}. ` +
        "Give the parameters, or use foldedNorm where they were folded into the next weights.",
    );
  }
  const standard = (eps: number) => layerNorm(x, gamma, beta, eps);
  const frozen = (std: PerClass) => applyFrozen(x, { gamma, beta, classes }, std);
  switch (norm.kind) {
    case "standard":
      return standard(norm.eps);
    case "frozen": {
      const { std, firstChannel } = norm;
      if (firstChannel === undefined) return frozen(std);
      // Two norms, one that has channel 0 alone and one that has the others: rare, so not worth a kernel.
      const C = gamma.shape[0];
      const masked = (of: (channel: number) => number) =>
        mul(
          gamma,
          vector(
            x,
            Float32Array.from({ length: C }, (_, i) => of(i)),
          ),
        );
      const own = { gamma: masked((i) => (i === 0 ? 1 : 0)), beta: vector(x, new Float32Array(C)), classes };
      const others = { gamma: masked((i) => (i === 0 ? 0 : 1)), beta, classes };
      return add(applyFrozen(x, own, uniform(firstChannel)), applyFrozen(x, others, std));
    }
    case "tapered": {
      const { eps, gate, std } = norm;
      return add(scale(standard(eps), gate), scale(frozen(uniform(std)), 1 - gate));
    }
    case "own":
      return norm.apply(x, {
        gamma,
        beta,
        classes,
        parameter: (name) => needed(norm, name, parameter?.(name)),
      });
  }
}

function needed({ name: norm }: { readonly name: string }, name: string, value: Value | undefined): Value {
  if (value) return value;
  throw new Error(`applyNorm: the norm "${norm}" needs a parameter ${name} beside gamma and beta; give it`);
}

/** The beginning of an error's sentence. */
const named = (norm: Norm): string =>
  norm.kind === "own" ? `the norm ${JSON.stringify(norm.name)}` : `a ${norm.kind} norm`;

const uniform = (std: number): PerClass => ({ first: std, eot: std, rest: std });

/** Values (C) as a constant on x's tape, which frees it. */
function vector({ tape }: Variable, values: Float32Array): Variable {
  return tape.record([tape.backend.upload(values, [values.length])], [], () => undefined);
}

/** Whether both give the same result for the same operands, so that one computation serves two paths. */
export function sameNorm(a: Norm, b: Norm): boolean {
  if (a.kind === "standard" && b.kind === "standard") return a.eps === b.eps;
  if (a.kind === "frozen" && b.kind === "frozen") {
    const sameStds = POSITION_CLASSES.every((name) => a.std[name] === b.std[name]);
    return sameStds && a.firstChannel === b.firstChannel;
  }
  if (a.kind === "tapered" && b.kind === "tapered") {
    return a.eps === b.eps && a.gate === b.gate && a.std === b.std;
  }
  if (a.kind === "own" && b.kind === "own") return a.apply === b.apply;
  return a.kind === b.kind;
}

/**
 * The removal of a special constant: the std of `positionClass` becomes that of the rest.
 * @throws Error unless the norm is frozen.
 */
export function withClassConstant(norm: Norm, positionClass: Exclude<PositionClass, "rest">): Norm {
  if (norm.kind !== "frozen") {
    throw new Error(
      `withClassConstant: ${named(norm)} has no constant for class ${positionClass}; freeze it before`,
    );
  }
  return frozenNorm({ ...norm.std, [positionClass]: norm.std.rest }, norm.firstChannel);
}

/** Frozen with the same constants for all classes, that is an affine map of x alone: what can be folded into weights. */
export function isUniform(norm: Norm): boolean {
  return norm.kind === "frozen" && POSITION_CLASSES.every((name) => norm.std[name] === norm.std.rest);
}

/**
 * That every norm of a table is data, which a file can hold.
 * @throws TypeError naming the first site whose norm is from outside.
 */
export function checkWritable(norms: Readonly<Record<string, Norm>>): void {
  for (const [site, norm] of Object.entries(norms)) {
    if (norm.kind !== "own") continue;
    throw new TypeError(
      `the norm at ${site} is ${kindOf(norm)}, which is code: no config and no checkpoint can hold it. ` +
        "Save the parameters alone, and put the norm into the table again where they are loaded.",
    );
  }
}

/** A norm from JSON (a checkpoint, a config). @throws TypeError or RangeError saying what was expected where. */
export function parseNorm(json: unknown): Norm {
  const { kind, eps, std, gate, firstChannel, name } = record("a norm", json);
  switch (kind) {
    case "standard":
      return standardNorm(number("eps", eps));
    case "frozen": {
      const { first, eot, rest } = record("std", std);
      const constants = {
        first: number("std.first", first),
        eot: number("std.eot", eot),
        rest: number("std.rest", rest),
      };
      return frozenNorm(
        constants,
        firstChannel === undefined ? undefined : number("firstChannel", firstChannel),
      );
    }
    case "tapered":
      return taperedNorm({ eps: number("eps", eps), gate: number("gate", gate), std: number("std", std) });
    case "folded":
      return foldedNorm;
    case "own":
      throw new TypeError(
        `parseNorm: ${JSON.stringify(name)} is a norm from outside, which is code and stands in no file; ` +
          "put it into the model's table of norms where the model is made",
      );
    default:
      throw new TypeError(
        `parseNorm: kind is ${JSON.stringify(kind)}; expected "standard", "frozen", "tapered" or "folded"`,
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
