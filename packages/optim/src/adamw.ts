/**
 * AdamW over named parameters, with decoupled weight decay and clipping by the global gradient norm. Everything happens on
 * the device and in place; source: Loshchilov & Hutter 2019, torch.optim.AdamW.
 */
import {
  type Backend,
  BackendError,
  showShape,
  type Tensor,
  type TensorData,
  withdraw,
  zeros,
} from "@normless/tensor";
import { check, checkCount, checkFinite, checkGradients } from "./check.js";
import { sumOfSquares } from "./gradient-norm.js";
import type { Named, Optimizer, UpdateOptions } from "./optimizer.js";

/** AdamW's settings that stay the same from update to update; those left out are PyTorch's. */
export interface AdamWOptions {
  /** In [0, 1); 0.9 unless given. */
  readonly beta1?: number;
  /** In [0, 1); 0.999 unless given. */
  readonly beta2?: number;
  /** Above 0; 1e-8 unless given. */
  readonly eps?: number;
  /** From 0 up; 0.01 unless given. */
  readonly weightDecay?: number;
  /**
   * How the moments are kept; in float32 unless given. bfloat16 takes half of the memory: they are then rounded up or down by
   * chance, which the step and the place decide, so that what is too small to show in one update shows in many.
   */
  readonly moments?: "float32" | "bfloat16";
  /** Which parameters decay; all unless given. */
  readonly decays?: (name: string, param: Tensor) => boolean;
}

/** Updates done, and the two moments of each parameter. */
export interface AdamWState {
  readonly step: number;
  readonly m: Named<Float32Array>;
  readonly v: Named<Float32Array>;
}

/**
 * AdamW (Loshchilov & Hutter 2019) of parameters on one backend, with two moments of each, which it owns. The parameters are
 * changed in place and stay the caller's.
 */
export class AdamW implements Optimizer {
  readonly #m: Record<string, Tensor> = {};
  readonly #v: Record<string, Tensor> = {};
  readonly #options: Required<Omit<AdamWOptions, "decays" | "moments">>;
  #step = 0;

  /**
   * @throws RangeError naming an option that is out of its range, BackendError where the backend has no such moments; where
   * memory runs out, nothing is left of it.
   */
  constructor(
    readonly backend: Backend,
    readonly params: Named<Tensor>,
    readonly options: AdamWOptions = {},
  ) {
    const { beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weightDecay = 0.01, moments } = options;
    this.#options = { beta1, beta2, eps, weightDecay };
    for (const [name, beta] of Object.entries({ beta1, beta2 })) {
      check(beta >= 0 && beta < 1, `AdamW: ${name}`, beta, "a number in [0, 1)");
    }
    check(eps > 0 && eps < Infinity, "AdamW: eps", eps, "a finite number above 0");
    checkFinite("AdamW: weightDecay", weightDecay);
    try {
      for (const [name, param] of Object.entries(params)) {
        // Its own until `free`, whatever scope it is made in.
        withdraw((this.#m[name] = zeros(backend, param.shape, moments)));
        withdraw((this.#v[name] = zeros(backend, param.shape, moments)));
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
  update(grads: Named<Tensor>, { learningRate, maxNorm = Infinity }: UpdateOptions): Tensor {
    checkFinite("AdamW: learningRate", learningRate);
    check(maxNorm >= 0, "AdamW: maxNorm", maxNorm, "a number from 0 up, or Infinity for no clipping");
    checkGradients("AdamW", this.params, grads);
    const step = this.#step + 1;
    const { decays = () => true } = this.options;
    const normSquared = sumOfSquares(
      this.backend,
      Object.keys(this.params).map((name) => grads[name]),
    );
    try {
      for (const [name, param] of Object.entries(this.params)) {
        const weightDecay = decays(name, param) ? this.#options.weightDecay : 0;
        this.backend.run(
          "adamw",
          { param, grad: grads[name], m: this.#m[name], v: this.#v[name], normSquared },
          { ...this.#options, learningRate, maxNorm, step, weightDecay },
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

function savedMoment(name: string, { shape, size }: Tensor, data: TensorData | undefined): TensorData {
  if (!data)
    throw new BackendError(`AdamW: the saved state has no parameter ${name}; is it of another model?`);
  if (data.length === size) return data;
  throw new BackendError(
    `AdamW: the saved state has ${data.length} values for parameter ${name}, whose shape ${showShape(shape)} takes ` +
      `${size}; is it of another model?`,
  );
}
