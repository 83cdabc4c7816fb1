/**
 * AdamW over named parameters, with clipping by the global gradient norm, as nanoGPT sets it up: decoupled weight
 * decay on tensors of two or more dimensions only (matrices and embeddings), none on biases, gamma and beta.
 * Everything happens on the device and in place; source: Loshchilov & Hutter 2019, torch.optim.AdamW.
 */
import { type Backend, BackendError, type Tensor, type TensorData, zeros } from "@normless/tensor";

export type Named<X> = Readonly<Record<string, X>>;

export interface AdamWOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
}

export interface UpdateOptions {
  readonly learningRate: number;
  readonly maxNorm: number;
}

/** Updates done, and the two moments of each parameter. */
export interface AdamWState {
  readonly step: number;
  readonly m: Named<Float32Array>;
  readonly v: Named<Float32Array>;
}

export class AdamW {
  readonly #m: Record<string, Tensor> = {};
  readonly #v: Record<string, Tensor> = {};
  #step = 0;

  constructor(
    readonly backend: Backend,
    readonly params: Named<Tensor>,
    readonly options: AdamWOptions,
  ) {
    for (const [name, param] of Object.entries(params)) {
      this.#m[name] = zeros(backend, param.shape);
      this.#v[name] = zeros(backend, param.shape);
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
   */
  update(grads: Named<Tensor>, { learningRate, maxNorm }: UpdateOptions): Tensor {
    for (const name of Object.keys(this.params)) {
      if (!grads[name]) throw new BackendError(`AdamW: parameter ${name} has no gradient`);
    }
    const normSquared = zeros(this.backend, []);
    for (const name of Object.keys(this.params)) {
      this.backend.run("sumSquares", { x: grads[name] }, {}, { total: normSquared });
    }
    this.#step += 1;
    for (const [name, param] of Object.entries(this.params)) {
      const { weightDecay, ...rest } = this.options;
      this.backend.run(
        "adamw",
        { param, grad: grads[name], m: this.#m[name], v: this.#v[name], normSquared },
        {
          ...rest,
          learningRate,
          maxNorm,
          step: this.#step,
          weightDecay: param.shape.length >= 2 ? weightDecay : 0,
        },
      );
    }
    return normSquared;
  }

  /** A copy of the state, for a checkpoint. */
  async save(): Promise<AdamWState> {
    const read = async (tensors: Named<Tensor>) => {
      const data: Record<string, Float32Array> = {};
      for (const [name, tensor] of Object.entries(tensors))
        data[name] = Float32Array.from(await tensor.read());
      return data;
    };
    return { step: this.#step, m: await read(this.#m), v: await read(this.#v) };
  }

  /** Takes up a saved state. @throws BackendError when a parameter is missing from it or differs in size. */
  load(state: AdamWState): void {
    for (const [moments, saved] of [
      [this.#m, state.m],
      [this.#v, state.v],
    ] as const) {
      for (const [name, tensor] of Object.entries(moments)) {
        const data: TensorData | undefined = saved[name];
        if (!data)
          throw new BackendError(`AdamW: the saved state has no parameter ${name}; is it of another model?`);
        this.backend.write(tensor, data);
      }
    }
    this.#step = state.step;
  }

  /** Gives the moments' memory back. */
  free(): void {
    for (const tensor of [...Object.values(this.#m), ...Object.values(this.#v)]) tensor.free();
  }
}
