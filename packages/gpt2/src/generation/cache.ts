/** Keys and values of the positions already seen, (1,T,C) for each layer, so that a new token costs one row. */
import type { Variable } from "@normless/autograd";
import { type Backend, type Tensor, zeros } from "@normless/tensor";
import type { Gpt2Config } from "../model/config.js";
import type { Attend } from "../model/pass.js";

/**
 * Keys and values of one sequence, (1,T,C) for each layer, with room for the longest context T: `attend` is for
 * `forward`, whose tokens stand at positions `length` and on; `advance` when it is done. `free` gives the memory back.
 */
export class KeyValueCache {
  readonly #layers: readonly { readonly k: Tensor; readonly v: Tensor }[];
  #length = 0;

  constructor(
    readonly backend: Backend,
    readonly config: Gpt2Config,
  ) {
    const shape = [1, config.blockSize, config.channels];
    this.#layers = Array.from({ length: config.layers }, () => ({
      k: zeros(backend, shape),
      v: zeros(backend, shape),
    }));
  }

  /** Positions held. */
  get length(): number {
    return this.#length;
  }

  /** Counts positions whose keys and values every layer has written. */
  advance(positions: number): void {
    this.#length += positions;
  }

  /** Forgets all positions. */
  clear(): void {
    this.#length = 0;
  }

  /** Attention of new rows (1,t,C) to all rows before them and to themselves; for inference only. */
  readonly attend: Attend = (layer: number, q: Variable, k: Variable, v: Variable): Variable => {
    const cache = this.#layers[layer];
    const at = this.#length;
    this.backend.run("writeRows", { cache: cache.k, rows: k.tensor }, { at });
    this.backend.run("writeRows", { cache: cache.v, rows: v.tensor }, { at });
    const attributes = { heads: this.config.heads, keys: at + q.shape[1] };
    const { y, lse } = this.backend.run("attention", { q: q.tensor, k: cache.k, v: cache.v }, attributes);
    return q.tape.record([y, lse], [], () => {
      throw new Error("attention to a cache has no gradient");
    });
  };

  free(): void {
    for (const { k, v } of this.#layers) {
      k.free();
      v.free();
    }
  }
}
