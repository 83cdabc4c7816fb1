/**
 * Functions of two values, pair by pair, of shapes that broadcast as NumPy's do. Of two kinds the wider is taken: bool, int32,
 * float32; a number takes the other's kind where it is of it. div and pow make float32 of both.
 */
import { type BinaryOp, binaryOperators, type DType, Tensor } from "@normless/tensor";
import { apply, compose, numberBeside, type Result } from "../apply.js";
import { gt as above, logicalNot, lt as below, where as choose } from "../kernel-calls.js";
import { binaryRules } from "../rules/binary.js";
import { sendBack } from "../send-back.js";
import { spend } from "../spend.js";
import type { Value } from "../tape.js";
import { cast } from "./unary.js";

/** A variable, a tensor, or a number, which is a constant of shape []. One operand at least is no number. */
export type Operand = Value | number;
type Lifted<A> = A extends number ? Tensor : A extends Value ? A : never;
/** What a function of two gives: a variable where one of them is one, else a tensor. */
export type ResultOf<A, B> = Result<Lifted<A>, Lifted<B>>;

const KINDS: readonly DType[] = ["bool", "int32", "float32"];

/** The narrowest kind that both operands, and the op, can be; the op's widest where it has none for them. */
function commonKind(operands: readonly Operand[], takes: readonly DType[]): DType {
  const possible = KINDS.filter((kind) => takes.includes(kind));
  const wide = (operand: Operand): DType => {
    if (typeof operand !== "number") return operand.dtype;
    return Number.isInteger(operand) ? possible[0] : "float32";
  };
  const wanted = Math.max(...operands.map((operand) => KINDS.indexOf(wide(operand))));
  return possible.find((kind) => KINDS.indexOf(kind) >= wanted) ?? possible[possible.length - 1];
}

/** What `use` makes of operands of one kind. */
function withOneKind<R extends Value>(
  op: string,
  a: Operand,
  b: Operand,
  takes: readonly DType[],
  use: (a: Value, b: Value) => Value,
): R {
  if (typeof a !== "number" && typeof b !== "number" && a.dtype === b.dtype && takes.includes(a.dtype)) {
    return use(a, b) as R;
  }
  const kind = commonKind([a, b], takes);
  // Beside a tensor a number is one, too, for as long as it takes.
  if (typeof a === "number" && isTensor(b, kind)) return spend(numberOn(b, a, kind), (a) => use(a, b)) as R;
  if (typeof b === "number" && isTensor(a, kind)) return spend(numberOn(a, b, kind), (b) => use(a, b)) as R;
  const values = [a, b].filter((operand) => typeof operand !== "number");
  return compose(op, values, (...given) => {
    const rest = [...given] as Value[];
    const [first, second] = [a, b].map((operand) => {
      if (typeof operand === "number") return numberBeside(given[0], operand, kind);
      const value = rest.shift() as Value;
      return value.dtype === kind ? value : cast(value, kind);
    });
    return use(first, second);
  });
}

const isTensor = (operand: Operand, kind: DType): operand is Tensor =>
  operand instanceof Tensor && operand.dtype === kind;

const numberOn = ({ backend }: Tensor, value: number, dtype: DType): Tensor =>
  backend.run("full", {}, { shape: [], value, dtype }).y;

function binary<A extends Operand, B extends Operand>(op: BinaryOp, a: A, b: B): ResultOf<A, B> {
  return withOneKind(op, a, b, binaryOperators[op].takes, (a, b) =>
    apply(op, [a, b], ([a, b], backend) => {
      const { y } = backend.run("binary", { a, b }, { op });
      const rule = binaryRules[op];
      if (!rule) return { made: [y] };
      return {
        made: [y],
        backward: (dy, gradients, [av, bv], output) => {
          const given = { dy, a, b, y };
          sendBack(dy, gradients, output, [
            [av, () => rule.a(given)],
            [bv, () => rule.b(given)],
          ]);
        },
      };
    }),
  );
}

/** a + b. */
export function add<A extends Operand, B extends Operand>(a: A, b: B): ResultOf<A, B> {
  return binary("add", a, b);
}
/** a − b. */
export function sub<A extends Operand, B extends Operand>(a: A, b: B): ResultOf<A, B> {
  return binary("sub", a, b);
}
/** a · b. */
export function mul<A extends Operand, B extends Operand>(a: A, b: B): ResultOf<A, B> {
  return binary("mul", a, b);
}
/** a / b. */
export function div<A extends Operand, B extends Operand>(a: A, b: B): ResultOf<A, B> {
  return binary("div", a, b);
}
/** a to the power of b; of a negative a for whole b alone, else NaN. */
export function pow<A extends Operand, B extends Operand>(a: A, b: B): ResultOf<A, B> {
  return binary("pow", a, b);
}
/** The larger of the two; NaN where one is. Where they are equal each has half of the gradient. */
export function maximum<A extends Operand, B extends Operand>(a: A, b: B): ResultOf<A, B> {
  return binary("maximum", a, b);
}
/** The lesser of the two; NaN where one is. Where they are equal each has half of the gradient. */
export function minimum<A extends Operand, B extends Operand>(a: A, b: B): ResultOf<A, B> {
  return binary("minimum", a, b);
}
/** Whether a = b, as bool. */
export function eq<A extends Operand, B extends Operand>(a: A, b: B): ResultOf<A, B> {
  return binary("eq", a, b);
}
/** Whether a ≠ b, as bool. */
export function ne<A extends Operand, B extends Operand>(a: A, b: B): ResultOf<A, B> {
  return binary("ne", a, b);
}
/** Whether a < b, as bool. */
export function lt<A extends Operand, B extends Operand>(a: A, b: B): ResultOf<A, B> {
  return binary("lt", a, b);
}
/** Whether a ≤ b, as bool. */
export function le<A extends Operand, B extends Operand>(a: A, b: B): ResultOf<A, B> {
  return binary("le", a, b);
}
/** Whether a > b, as bool. */
export function gt<A extends Operand, B extends Operand>(a: A, b: B): ResultOf<A, B> {
  return binary("gt", a, b);
}
/** Whether a ≥ b, as bool. */
export function ge<A extends Operand, B extends Operand>(a: A, b: B): ResultOf<A, B> {
  return binary("ge", a, b);
}
/** Whether both are true: bool. */
export function logicalAnd<A extends Operand, B extends Operand>(a: A, b: B): ResultOf<A, B> {
  return binary("logicalAnd", a, b);
}
/** Whether one of them is true: bool. */
export function logicalOr<A extends Operand, B extends Operand>(a: A, b: B): ResultOf<A, B> {
  return binary("logicalOr", a, b);
}

/** a where the condition (bool) is true, b elsewhere; all three broadcast. */
export function where<A extends Operand, B extends Operand>(condition: Value, a: A, b: B): ResultOf<A, B> {
  return withOneKind("where", a, b, KINDS, (a, b) =>
    apply("where", [condition, a, b], ([condition, a, b], backend) => ({
      made: [backend.run("where", { condition, a, b }, {}).y],
      backward: (dy, gradients, [, av, bv], output) =>
        sendBack(dy, gradients, output, [
          [av, () => choose(condition, dy, 0)],
          [bv, () => choose(logicalNot(condition), dy, 0)],
        ]),
    })),
  );
}

/** `value` where the mask (bool) is true, x elsewhere. */
export function maskedFill<X extends Value, V extends Operand>(x: X, mask: Value, value: V): ResultOf<V, X> {
  return where(mask, value, x);
}

/**
 * min where x is below it, max where it is above; where the two cross, max. The gradient is x's between the two, and 0 at an end.
 * Bounds that are tensors broadcast, have the gradient where they are taken, and half of it where x is equal.
 */
export function clamp<X extends Value>(
  given: X,
  { min, max }: { readonly min?: Operand | undefined; readonly max?: Operand | undefined },
): Result<X> {
  if (typeof min !== "object" && typeof max !== "object") return clampByNumbers(given, min, max);
  const bounds = [min, max].map((bound) => (typeof bound === "object" ? bound : undefined));
  return compose("clamp", [given, ...bounds], (x, ...bounds) => {
    const [low, high] = [bounds[0] ?? min, bounds[1] ?? max];
    const raised = low === undefined ? x : maximum(x, low);
    return high === undefined ? raised : minimum(raised, high);
  });
}

function clampByNumbers<X extends Value>(
  given: X,
  min: number | undefined,
  max: number | undefined,
): Result<X> {
  return apply("clamp", [given], ([x], backend) => ({
    made: [backend.run("clamp", { x }, { min: min ?? -Infinity, max: max ?? Infinity }).y],
    backward: (dy, gradients, [xv], output) => {
      const dx = () => {
        const raised = min === undefined ? dy : choose(above(x, min), dy, 0);
        return max === undefined ? raised : choose(below(x, max), raised, 0);
      };
      sendBack(dy, gradients, output, [[xv, dx]]);
    },
  }));
}
