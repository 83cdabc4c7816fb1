/** An op of one's own as a function for both, tensors and variables. */
import { type AnyOp, type Op, op, type Operands, type Tensor } from "@normless/tensor";
import { apply, type Result } from "./apply.js";
import { sendBack } from "./send-back.js";
import type { Value } from "./tape.js";

/** What a rule is given: the operands, what the op made of them, and the gradient of its first output. */
export interface OpRuleGiven<I extends string, P extends string, A, O extends string> {
  readonly dy: Tensor;
  readonly inputs: Operands<I, P, Tensor>;
  readonly outputs: { readonly [N in O]: Tensor };
  readonly attributes: A;
}

/** An op, and the gradient of each operand that has one: in its shape, or one that it was repeated to. */
export interface DifferentiableOp<I extends string, P extends string, A, O extends string>
  extends
    Omit<Op<I, P, A, O>, "optional" | "dtypes" | "mutates">,
    Partial<Pick<Op<I, P, A, O>, "optional" | "dtypes" | "mutates">> {
  /** In functions of tensors; what they make on the way goes at their end. */
  readonly gradients?: {
    readonly [K in NoInfer<I | P>]?: (given: OpRuleGiven<NoInfer<I>, NoInfer<P>, A, NoInfer<O>>) => Tensor;
  };
}

/** An op's function: its first output, on a tape where an operand is. The op itself is there for tests. */
export interface OpFunction<I extends string, P extends string, A, O extends string> {
  <V extends Value>(operands: Operands<I, P, V | Tensor>, attributes: A): Result<V>;
  readonly op: Op<I, P, A, O>;
}

/**
 * A function of tensors or variables out of a name, shapes and a plain loop; with kernels for GPUs and gradients where they
 * are given. `opConformance` of @normless/tensor/testing holds its kernels against its loop, `gradientCheck` its gradients
 * against central differences.
 */
export function defineOp<A>() {
  return <I extends string, O extends string, P extends string = never>({
    gradients: rules = {},
    ...spec
  }: DifferentiableOp<I, P, A, O>): OpFunction<I, P, A, O> => {
    const defined: Op<I, P, A, O> = op<A>()<I, O, P>(spec);
    const any = defined as unknown as AnyOp;
    const names: readonly string[] = [...any.inputs, ...any.optional];
    const call = (operands: Readonly<Record<string, Value | undefined>>, attributes: A) =>
      apply<readonly (Value | undefined)[], Value>(
        any.name,
        names.map((name) => operands[name]),
        (tensors, backend) => {
          const inputs = Object.fromEntries(names.map((name, i) => [name, tensors[i]])) as Record<
            string,
            Tensor
          >;
          const outputs = backend.runOp(any, inputs, attributes as object);
          const [first, ...kept] = any.outputs.map((name) => outputs[name]);
          return {
            made: [first, ...kept],
            backward: (dy, gradients, variables, output) => {
              const given = { dy, inputs, outputs, attributes } as unknown as OpRuleGiven<I, P, A, O>;
              const shares = names.flatMap((name, i) => {
                const rule = (rules as Readonly<Record<string, ((of: typeof given) => Tensor) | undefined>>)[
                  name
                ];
                return rule ? [[variables[i], () => rule(given)] as const] : [];
              });
              sendBack(dy, gradients, output, shares);
            },
          };
        },
      );
    return Object.assign(call, { op: defined }) as unknown as OpFunction<I, P, A, O>;
  };
}
