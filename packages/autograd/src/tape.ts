/**
 * The reverse-mode tape. Ops append what they computed and how to go back; `backward` walks the list once in reverse.
 * All that a step makes belongs to its tape and is freed once: activations as soon as their own gradient is done,
 * the rest by `free`. Parameters and their gradients belong to the caller and are only ever added to.
 */
import {
  type AttributesOf,
  type Backend,
  BackendError,
  type DType,
  enroll,
  type InputsOf,
  type KernelName,
  type OutputsOf,
  sameShape,
  type Shape,
  ShapeError,
  type Tensor,
  withdraw,
  zeros,
} from "@normless/tensor";
import { spend } from "./spend.js";

/** A tensor on a tape. */
export class Variable {
  constructor(
    readonly tape: Tape,
    readonly tensor: Tensor,
    readonly needsGrad: boolean,
  ) {}
  get shape(): Shape {
    return this.tensor.shape;
  }
  get dtype(): DType {
    return this.tensor.dtype;
  }
}

/** What ops take: a plain tensor counts as a constant. */
export type Value = Variable | Tensor;

/** How an op sends its gradient back. `dy` is the gradient of its output. */
export type Backward = (dy: Tensor, gradients: Gradients) => void;

interface Node {
  readonly output: Variable;
  /** Everything the op's forward made, the output's tensor included. */
  readonly made: readonly Tensor[];
  readonly backward: Backward | undefined;
}

/**
 * The list of what the ops of one step computed, on one backend. `valueAndGrad` and `evaluate` make and free one; whoever
 * makes one by hand calls `backward` once, on a scalar, and `free`.
 */
export class Tape {
  readonly #nodes: Node[] = [];
  readonly #kept = new Set<Tensor>();
  readonly #leafGradients = new Map<Variable, Tensor>();
  /** Leaves whose gradient the tape makes, and those that it has made. */
  readonly #newLeaves: Variable[] = [];
  readonly #newGradients = new Map<Variable, Tensor>();
  #done = false;

  /** `record: false` is for inference: nothing is kept for a backward pass. */
  constructor(
    readonly backend: Backend,
    readonly options: { readonly record: boolean } = { record: true },
  ) {}

  /**
   * A parameter: its gradient is added into `gradient`, which has its shape. Without one `backward` makes it, and
   * `takeGradient` hands it out: what is written needs no zeros, which would be written and read first.
   */
  leaf(tensor: Tensor, gradient?: Tensor): Variable {
    const variable = new Variable(this, tensor, this.options.record);
    if (gradient) this.#leafGradients.set(variable, gradient);
    else this.#newLeaves.push(variable);
    return variable;
  }

  /**
   * What `backward` made for a leaf that came without a gradient; zeros where the loss does not depend on it. The caller's.
   * @throws BackendError before `backward`, the second time, and for a leaf that came with one.
   */
  takeGradient(leaf: Variable): Tensor {
    const gradient = this.#newGradients.get(leaf);
    if (!gradient)
      throw new BackendError("takeGradient: backward has left no gradient for this leaf to take");
    this.#newGradients.delete(leaf);
    return gradient;
  }

  /** A tensor that gets no gradient. It stays the caller's. */
  constant(tensor: Tensor): Variable {
    return new Variable(this, tensor, false);
  }

  /** For ops: puts a result on the tape. The first of `made` is the output's tensor. */
  record(
    made: readonly [Tensor, ...Tensor[]],
    parents: readonly (Variable | undefined)[],
    backward: Backward,
  ): Variable {
    const differentiable = made[0].dtype === "float32";
    const needsGrad = this.options.record && differentiable && parents.some((parent) => parent?.needsGrad);
    const output = new Variable(this, made[0], needsGrad);
    for (const tensor of made) withdraw(tensor);
    this.#nodes.push({ output, made, backward: needsGrad ? backward : undefined });
    return output;
  }

  /**
   * Hands a result to the caller, who frees it; the tape will not. Of a tensor that is not the tape's, a copy.
   * @throws BackendError when the result is on another tape
   */
  keep({ tape, tensor }: Variable): Tensor {
    if (tape !== this) throw new BackendError("keep: the result is on another tape");
    if (!this.#nodes.some(({ made }) => made.includes(tensor))) return copyOf(tensor);
    this.#kept.add(tensor);
    enroll(tensor);
    return tensor;
  }

  /** While not recording, frees all that `build` made except its result; while recording, just builds. */
  scope(build: () => Variable): Variable {
    if (this.options.record) return build();
    const begin = this.#nodes.length;
    const result = build();
    const inner = this.#nodes.splice(begin);
    for (const { made } of inner)
      for (const tensor of made) if (tensor !== result.tensor) this.#release(tensor);
    if (inner.some(({ made }) => made.includes(result.tensor))) {
      this.#nodes.push({ output: result, made: [result.tensor], backward: undefined });
    }
    return result;
  }

  /**
   * Adds d loss/d leaf into every leaf's gradient, where `loss` is a scalar, or Σ dy·loss for a `dy` of its shape (which
   * stays the caller's). Frees as it goes; one call a tape. What is left when it throws, `free` frees.
   * @throws ShapeError for a `dy` of another shape; BackendError the second time, for a loss of more than one value without
   * `dy`, one of another tape, and one that depends on no leaf.
   */
  backward(loss: Variable, dy?: Tensor): void {
    if (this.#done)
      throw new BackendError("backward: this tape has run backward already; make a new one for each step");
    if (loss.shape.length !== 0 && !dy) {
      throw new BackendError(
        `backward: the loss has shape [${loss.shape.join(",")}]; reduce it to a scalar, e.g. mean(x)`,
      );
    }
    if (dy && !sameShape(dy.shape, loss.shape)) {
      throw new ShapeError(
        "backward",
        "dy is not of the loss's shape",
        { loss: loss.shape, dy: dy.shape },
        "Pass a weight for each of the loss's values.",
      );
    }
    if (loss.tape !== this) throw new BackendError("backward: the loss is on another tape");
    if (!loss.needsGrad) throw new BackendError("backward: the loss depends on no leaf of this tape");
    this.#done = true;
    const gradients = new Gradients(this.backend, this.#leafGradients);
    try {
      gradients.seed(loss, dy);
      for (let node = this.#nodes.at(-1); node; node = this.#nodes.at(-1)) {
        const dy = gradients.of(node.output);
        if (dy && node.backward) node.backward(dy, gradients);
        gradients.drop(node.output);
        this.#nodes.pop();
        for (const tensor of node.made) this.#release(tensor);
      }
      for (const leaf of this.#newLeaves) {
        this.#newGradients.set(leaf, gradients.take(leaf) ?? zeros(this.backend, leaf.shape));
      }
    } finally {
      gradients.free();
    }
  }

  /** Frees everything the tape still owns. */
  free(): void {
    for (const gradient of this.#newGradients.values()) gradient.free();
    this.#newGradients.clear();
    for (const { made } of this.#nodes.splice(0)) for (const tensor of made) this.#release(tensor);
  }

  #release(tensor: Tensor): void {
    if (!this.#kept.has(tensor)) tensor.free();
  }
}

/** The gradients of a backward pass under way, by variable. */
export class Gradients {
  readonly #gradients = new Map<Variable, Tensor>();
  constructor(
    readonly backend: Backend,
    readonly leaves: ReadonlyMap<Variable, Tensor>,
  ) {}

  /** The gradient to start from: `dy`, copied, or 1. The loss may be a leaf. */
  seed(loss: Variable, dy?: Tensor): void {
    this.give(loss, dy ? copyOf(dy) : this.backend.upload(Float32Array.of(1), []));
  }
  of(variable: Variable): Tensor | undefined {
    return this.leaves.get(variable) ?? this.#gradients.get(variable);
  }
  drop(variable: Variable): void {
    this.take(variable)?.free();
  }
  /** A gradient that is not the caller's: from now on it is. */
  take(variable: Variable): Tensor | undefined {
    const gradient = this.#gradients.get(variable);
    this.#gradients.delete(variable);
    return gradient;
  }
  /** Frees every gradient that is not the caller's. */
  free(): void {
    for (const variable of [...this.#gradients.keys()]) this.drop(variable);
  }

  /**
   * Runs a gradient kernel and gives each output to the variable that `to` names for it: added to the gradient that
   * is there, or becoming it. Outputs that nobody needs are freed; with none needed, nothing runs.
   */
  add<K extends KernelName>(
    kernel: K,
    inputs: InputsOf<K>,
    attributes: AttributesOf<K>,
    to: { readonly [O in keyof OutputsOf<K>]?: Variable | undefined },
  ): void {
    const targets = Object.entries<Variable | undefined>(to as Record<string, Variable | undefined>);
    if (!targets.some(([, variable]) => variable?.needsGrad)) return;
    const into: Record<string, Tensor> = {};
    // The same variable twice in one op (mul(x, x)) must not be given as a target twice: the second is added after.
    const seen = new Set<Variable>();
    for (const [name, variable] of targets) {
      if (!variable?.needsGrad || seen.has(variable)) continue;
      seen.add(variable);
      const present = this.of(variable);
      if (present) into[name] = present;
    }
    const outputs = this.backend.run(kernel, inputs, attributes, into as Partial<OutputsOf<K>>);
    const made = Object.entries<Tensor>(outputs).filter(([name]) => !into[name]);
    try {
      for (let next = made.shift(); next; next = made.shift()) {
        const [name, tensor] = next;
        const variable = targets.find(([output]) => output === name)?.[1];
        if (variable?.needsGrad) this.give(variable, tensor);
        else tensor.free();
      }
    } finally {
      for (const [, tensor] of made) tensor.free();
    }
  }

  /**
   * Adds the gradient of `output`, as it is, to that of each of `to`. The last that has none yet takes it over, so that a
   * sum copies it once less.
   */
  pass(output: Variable, to: readonly Variable[]): void {
    const dy = this.#gradients.get(output);
    if (!dy) return;
    const copy = (variable: Variable) => {
      this.add("scale", { x: dy }, { factor: 1 }, { y: variable });
    };
    const heir = to.findLastIndex((variable) => variable.needsGrad && !this.of(variable));
    to.forEach((variable, i) => {
      if (i !== heir) copy(variable);
    });
    if (heir < 0) return;
    // In x + x the first copy has made the second's gradient.
    if (this.of(to[heir])) return copy(to[heir]);
    this.#gradients.delete(output);
    this.#gradients.set(to[heir], dy);
  }

  /** Adds a gradient that the caller owns to a variable's, taking it over. */
  give(variable: Variable, gradient: Tensor): void {
    const present = this.of(variable);
    if (present) {
      spend(gradient, (x) => this.backend.run("scale", { x }, { factor: 1 }, { y: present }));
    } else {
      this.#gradients.set(variable, gradient);
    }
  }
}

function copyOf(x: Tensor): Tensor {
  return x.backend.run("scale", { x }, { factor: 1 }).y;
}

/** The tape of an op's operands, if one is on any. @throws BackendError when they are on two. */
export function tapeAmong(op: string, values: readonly (Value | undefined)[]): Tape | undefined {
  let tape: Tape | undefined;
  for (const value of values) {
    if (!(value instanceof Variable) || value.tape === tape) continue;
    if (tape) throw new BackendError(`${op}: operands are on two tapes`);
    tape = value.tape;
  }
  return tape;
}

/** The tape of an op's operands. @throws BackendError when none is on a tape, or they are on two. */
export function tapeOf(op: string, ...values: readonly (Value | undefined)[]): Tape {
  const tape = tapeAmong(op, values);
  if (!tape) throw new BackendError(`${op}: no operand is on a tape; wrap one with tape.constant(tensor)`);
  return tape;
}

/** The value as a variable of this tape. */
export function onTape(tape: Tape, value: Value): Variable {
  return value instanceof Variable ? value : tape.constant(value);
}
