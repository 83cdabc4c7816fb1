/**
 * AdamW over named parameters, with clipping by the global gradient norm, as nanoGPT sets it up: decoupled weight
 * decay on tensors of two or more dimensions only (matrices and embeddings), none on biases, gamma and beta.
 * Everything happens on the device and in place; source: Loshchilov & Hutter 2019, torch.optim.AdamW.
 */
import {
  type Backend,
  BackendError,
  sameShape,
  ShapeError,
  showShape,
  type Tensor,
  type TensorData,
  withdraw,
  zeros,
} from "@normless/tensor";
import { check, checkCount, checkFinite } from "./check.js";

/** Something of each parameter, by its name. */
export type Named<X> = Readonly<Record<string, X>>;

/** AdamW's settings that stay the same from update to update. */
export interface AdamWOptions {
  /** Both in [0, 1). */
  readonly beta1: number;
  readonly beta2: number;
  /** Above 0. */
  readonly eps: number;
  /** From 0 up. */
  readonly weightDecay: number;
}

/** AdamW's settings that may change with each update. */
export interface UpdateOptions {
  /** From 0 up. */
  readonly learningRate: number;
  /** From 0 up; Infinity for no clipping. */
  readonly maxNorm: number;
}

/** Updates done, and the two moments of each parameter. */
export interface AdamWState {
  readonly step: number;
  readonly m: Named<Float32Array>;
  readonly v: Named<Float32Array>;
}

/**
 * AdamW (Loshchilov & Hutter 2019) of parameters on one backend, with two moments of each, which it owns. Parameters of
 * fewer than two dimensions do not decay. The parameters are changed in place and stay the caller's.
 */
export class AdamW {
  readonly #m: Record<string, Tensor> = {};
  readonly #v: Record<string, Tensor> = {};
  #step = 0;

  /** @throws RangeError naming an option that is out of its range; where memory runs out, nothing is left of it. */
  constructor(
    readonly backend: Backend,
    readonly params: Named<Tensor>,
    readonly options: AdamWOptions,
  ) {
    const { beta1, beta2, eps, weightDecay } = options;
    for (const [name, beta] of Object.entries({ beta1, beta2 })) {
      check(beta >= 0 && beta < 1, `AdamW: ${name}`, beta, "a number in [0, 1)");
    }
    check(eps > 0 && eps < Infinity, "AdamW: eps", eps, "a finite number above 0");
    checkFinite("AdamW: weightDecay", weightDecay);
    try {
      for (const [name, param] of Object.entries(params)) {
        // Its own until `free`, whatever scope it is made in.
        withdraw((this.#m[name] = zeros(backend, param.shape)));
        withdraw((this.#v[name] = zeros(backend, param.shape)));
      }
    } catch (error) {
      this.free();
      throw error;
    }
  }

  /** Updates done so far. */
  get step(): number {
    return this.#step;
  }

  /**
   * One update of every parameter. Gradients whose global norm is over `maxNorm` are scaled down to it; where it is not
   * finite, parameters and moments stay as they are. Returns the square of that norm, a scalar on the device, which the
   * caller frees.
   * @throws before anything changes: BackendError naming a parameter without a gradient, ShapeError naming one whose
   * gradient has another shape, RangeError for an option out of its range.
   */
  update(grads: Named<Tensor>, { learningRate, maxNorm }: UpdateOptions): Tensor {
    checkFinite("AdamW: learningRate", learningRate);
    check(maxNorm >= 0, "AdamW: maxNorm", maxNorm, "a number from 0 up, or Infinity for no clipping");
    for (const [name, param] of Object.entries(this.params)) checkGradient(name, param, grads[name]);
    const normSquared = zeros(this.backend, []);
    const step = this.#step + 1;
    try {
      for (const name of Object.keys(this.params)) {
        this.backend.run("sumSquares", { x: grads[name] }, {}, { total: normSquared });
      }
      for (const [name, param] of Object.entries(this.params)) {
        const { weightDecay, ...rest } = this.options;
        this.backend.run(
          "adamw",
          { param, grad: grads[name], m: this.#m[name], v: this.#v[name], normSquared },
          { ...rest, learningRate, maxNorm, step, weightDecay: param.shape.length >= 2 ? weightDecay : 0 },
        );
      }
    } catch (error) {
      normSquared.free();
      throw error;
    }
    this.#step = step;
    return normSquared;
  }

  /** A copy of the state, for a checkpoint: in float32, to which a backend of float64 rounds. */
  async save(): Promise<AdamWState> {
    const read = async (tensors: Named<Tensor>) => {
      const data: Record<string, Float32Array> = {};
      for (const [name, tensor] of Object.entries(tensors))
        data[name] = Float32Array.from(await tensor.read());
      return data;
    };
    return { step: this.#step, m: await read(this.#m), v: await read(this.#v) };
  }

  /**
   * Takes up a saved state. @throws before anything changes: BackendError when a parameter is missing from it or differs
   * in size, RangeError when its step is no number of updates.
   */
  load({ step, m, v }: AdamWState): void {
    checkCount("AdamW: the saved step", step);
    const moments = Object.keys(this.params).flatMap((name) => [
      [this.#m[name], savedMoment(name, this.#m[name], m[name])] as const,
      [this.#v[name], savedMoment(name, this.#v[name], v[name])] as const,
    ]);
    for (const [tensor, data] of moments) this.backend.write(tensor, data);
    this.#step = step;
  }

  /** Gives the moments' memory back. */
  free(): void {
    for (const tensor of [...Object.values(this.#m), ...Object.values(this.#v)]) tensor.free();
  }
}

function checkGradient(name: string, param: Tensor, grad: Tensor | undefined): void {
  if (!grad) throw new BackendError(`AdamW: parameter ${name} has no gradient`);
  if (sameShape(param.shape, grad.shape)) return;
  throw new ShapeError(
    "AdamW",
    `the gradient of parameter ${name} is not of its shape`,
    { param: param.shape, grad: grad.shape },
    "Pass the gradients by the names of their own parameters.",
  );
}

function savedMoment(name: string, { shape, size }: Tensor, data: TensorData | undefined): TensorData {
  if (!data)
    throw new BackendError(`AdamW: the saved state has no parameter ${name}; is it of another model?`);
  if (data.length === size) return data;
  throw new BackendError(
    `AdamW: the saved state has ${data.length} values for parameter ${name}, whose shape ${showShape(shape)} takes ` +
      `${size}; is it of another model?`,
  );
}
