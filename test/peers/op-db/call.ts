/** The arguments of one of PyTorch's samples, by PyTorch's names, as our functions take them. */
import type { Dims, Value } from "@normless/autograd";
import type { Tensor } from "@normless/tensor";

/** An argument as samples.json has it. */
export type Argument =
  | null
  | boolean
  | number
  | string
  | readonly Argument[]
  | { readonly tensor: string; readonly differentiable: boolean }
  /** A float that JSON has not: nan, inf, -inf. */
  | { readonly number: string }
  /** What no function of ours takes, as Python prints it. */
  | { readonly python: string };

type NumberGiven = number | { readonly number: string };
const isNumber = (given: Argument): given is NumberGiven =>
  typeof given === "number" || (typeof given === "object" && given !== null && "number" in given);

/** The arguments that have a name in `names`, or were given by name. It knows which of them nobody asked for. */
export class Call {
  readonly #given = new Map<string, Argument>();
  readonly #unread: Set<string>;

  /** `names` are of arguments in their order; `values` has the tensors. */
  constructor(
    names: string,
    sample: { readonly arguments: readonly Argument[]; readonly named: Readonly<Record<string, Argument>> },
    readonly values: ReadonlyMap<string, Value>,
  ) {
    const inOrder = names.split(" ");
    sample.arguments.forEach((argument, at) => this.#given.set(inOrder[at] ?? `argument ${at}`, argument));
    for (const [name, argument] of Object.entries(sample.named)) this.#given.set(name, argument);
    this.#unread = new Set(this.#given.keys());
  }

  /** Names of arguments that were given, and that the op did not look at. */
  get unread(): readonly string[] {
    return [...this.#unread];
  }

  /** As it was given; null where it was not. */
  raw(name: string): Argument {
    this.#unread.delete(name);
    return this.#given.get(name) ?? null;
  }

  value(name = "x"): Value {
    return this.maybe(name) ?? this.#no(name, "tensor");
  }
  maybe(name: string): Value | undefined {
    const given = this.raw(name);
    return given === null ? undefined : this.#value(given, name);
  }
  /** One without a gradient. */
  tensor(name: string): Tensor {
    return this.value(name) as Tensor;
  }
  /** A tensor, or a number. */
  operand(name = "other"): Value | number {
    return isNumber(this.raw(name)) ? this.number(name) : this.value(name);
  }
  maybeOperand(name: string): Value | number | undefined {
    return this.raw(name) === null ? undefined : this.operand(name);
  }
  list(name = "x"): readonly Value[] {
    const given = this.raw(name);
    return Array.isArray(given)
      ? given.map((one) => this.#value(one as Argument, name))
      : this.#no(name, "list");
  }
  number(name: string, otherwise?: number): number {
    const given = this.raw(name) ?? otherwise ?? null;
    if (!isNumber(given)) return this.#no(name, "number");
    return typeof given === "number" ? given : Number(given.number.replace("inf", "Infinity"));
  }
  numbers(name: string): readonly number[] {
    const given = this.raw(name);
    if (typeof given === "number") return [given];
    return Array.isArray(given) ? (given as number[]) : this.#no(name, "numbers");
  }
  /** One dimension, several, or nothing for all. */
  dims(name = "dim"): Dims {
    const given = this.raw(name);
    return given === null ? undefined : typeof given === "number" ? given : this.numbers(name);
  }
  dim(otherwise: number): number {
    return this.number("dim", otherwise);
  }
  flag(name: string, otherwise = false): boolean {
    const given = this.raw(name) ?? otherwise;
    return typeof given === "boolean" ? given : this.#no(name, "flag");
  }
  text<T extends string>(name: string, ...known: readonly [T, ...T[]]): T {
    const given = this.raw(name) ?? known[0];
    return known.find((one) => one === given) ?? this.#no(name, known.join(" or "));
  }

  #value(given: Argument, name: string): Value {
    if (typeof given !== "object" || given === null || !("tensor" in given)) return this.#no(name, "tensor");
    const value = this.values.get(given.tensor);
    return value ?? this.#no(name, "tensor");
  }
  #no(name: string, wanted: string): never {
    throw new TypeError(`${name} is no ${wanted} but ${JSON.stringify(this.#given.get(name))}`);
  }
}
