/** Stochastic gradient descent over named parameters, in place; source: torch.optim.SGD. */
import { type Backend, BackendError, enroll, scope, type Tensor, withdraw, zeros } from "@normless/tensor";
import { check, checkCount, checkFinite, checkGradients } from "./check.js";
import { clipFactor, sumOfSquares } from "./gradient-norm.js";
import type { Named, Optimizer, UpdateOptions } from "./optimizer.js";

/** SGD's settings that stay the same from update to update; all 0 or false unless given, as in PyTorch. */
export interface SgdOptions {
  /** In [0, 1). */
  readonly momentum?: number;
  /** From 0 up; added to the gradient, times the parameter. */
  readonly weightDecay?: number;
  /** Whether to look ahead by the momentum (Sutskever et al. 2013). */
  readonly nesterov?: boolean;
}

/** SGD's state: updates done, and each parameter's momentum, once there was an update. */
export interface SgdState {
  readonly step: number;
  readonly momentum: Named<Float32Array>;
}

/** SGD of parameters on one backend, with a momentum of each, which it owns. The parameters stay the caller's. */
export class Sgd implements Optimizer {
  readonly #momentum: Record<string, Tensor> = {};
  #step = 0;

  /** @throws RangeError naming an option that is out of its range */
  constructor(
    readonly backend: Backend,
    readonly params: Named<Tensor>,
    readonly options: SgdOptions = {},
  ) {
    const { momentum = 0, weightDecay = 0, nesterov = false } = options;
    check(momentum >= 0 && momentum < 1, "Sgd: momentum", momentum, "a number in [0, 1)");
    check(!nesterov || momentum > 0, "Sgd: momentum", momentum, "above 0 where nesterov is true");
    checkFinite("Sgd: weightDecay", weightDecay);
  }

  /** Updates done so far. */
  get step(): number {
    return this.#step;
  }

  /**
   * One update of every parameter; none where the gradients' global norm is not finite. Returns the square of that norm, a
   * scalar on the device, which the caller frees. @throws before anything changes: BackendError naming a parameter without a
   * gradient, ShapeError naming one whose gradient has another shape, RangeError for an option out of its range
   */
  update(grads: Named<Tensor>, { learningRate, maxNorm = Infinity }: UpdateOptions): Tensor {
    checkFinite("Sgd: learningRate", learningRate);
    check(maxNorm > 0, "Sgd: maxNorm", maxNorm, "a number above 0, or Infinity for no clipping");
    checkGradients("Sgd", this.params, grads);
    const { backend } = this;
    return scope(() => {
      const normSquared = enroll(
        sumOfSquares(
          backend,
          Object.keys(this.params).map((name) => grads[name]),
        ),
      );
      const counts = enroll(backend.run("unary", { x: normSquared }, { op: "isFinite" }).y);
      const by = maxNorm === Infinity ? undefined : enroll(clipFactor(normSquared, maxNorm));
      for (const [name, param] of Object.entries(this.params)) {
        const change = this.#change(name, param, { grad: grads[name], by, counts });
        backend.run("scale", { x: change }, { factor: -learningRate }, { y: param });
      }
      this.#step += 1;
      return normSquared;
    });
  }

  /** What the learning rate is to be multiplied with; 0 where the gradients do not count. */
  #change(
    name: string,
    param: Tensor,
    { grad, by, counts }: { readonly grad: Tensor; readonly by: Tensor | undefined; readonly counts: Tensor },
  ): Tensor {
    const { backend } = this;
    const { momentum = 0, weightDecay = 0, nesterov = false } = this.options;
    const scaled = (x: Tensor, factor: number) => enroll(backend.run("scale", { x }, { factor }).y);
    const where = (a: Tensor, b: Tensor) => enroll(backend.run("where", { condition: counts, a, b }, {}).y);
    const add = (x: Tensor, factor: number, to: Tensor) => backend.run("scale", { x }, { factor }, { y: to });
    const g = enroll(backend.run("scale", { x: grad, by }, { factor: 1 }).y);
    if (weightDecay > 0) add(param, weightDecay, g);
    let change = g;
    if (momentum > 0) {
      const before = this.#momentum[name] as Tensor | undefined;
      // In PyTorch, too, the first momentum is the first gradient.
      const after = before ? scaled(before, momentum) : undefined;
      if (after) add(g, 1, after);
      const next = where(after ?? g, before ?? zeros(backend, param.shape));
      this.#keep(name, next);
      if (nesterov) add(next, momentum, g);
      change = nesterov ? g : next;
    }
    return where(change, zeros(backend, []));
  }

  #keep(name: string, momentum: Tensor): void {
    const before = this.#momentum[name] as Tensor | undefined;
    before?.free();
    withdraw((this.#momentum[name] = momentum));
  }

  /** A copy of the state, for a checkpoint: in float32. */
  async save(): Promise<SgdState> {
    const momentum: Record<string, Float32Array> = {};
    for (const [name, tensor] of Object.entries(this.#momentum)) {
      momentum[name] = Float32Array.from(await tensor.read());
    }
    return { step: this.#step, momentum };
  }

  /**
   * Takes up a saved state. @throws before anything changes: BackendError when a parameter that has a momentum there is not
   * ours or differs in size, RangeError when its step is no number of updates
   */
  load({ step, momentum }: SgdState): void {
    checkCount("Sgd: the saved step", step);
    const given = Object.entries(momentum);
    for (const [name, data] of given) {
      const param = this.params[name] as Tensor | undefined;
      if (param?.size === data.length) continue;
      throw new BackendError(
        `Sgd: the saved state has ${data.length} values for ${name}, ` +
          `${param ? `which takes ${param.size}` : "which is no parameter"}; is it of another model?`,
      );
    }
    this.free();
    for (const [name, data] of given) this.#keep(name, this.backend.upload(data, this.params[name].shape));
    this.#step = step;
  }

  /** Gives the momentum's memory back. */
  free(): void {
    for (const name of Object.keys(this.#momentum)) {
      this.#momentum[name].free();
      delete this.#momentum[name];
    }
  }
}
