/** Token ids on a backend, checked where they enter: an id outside the vocabulary must never reach a kernel. */
import { positionClasses } from "@normless/layernorm";
import type { Backend, Tensor } from "@normless/tensor";
import type { Gpt2Config } from "./config.js";

/** Ids on the host, (B,T) row-major. */
export interface HostTokens {
  readonly inputs: Int32Array;
  readonly B: number;
  readonly T: number;
}

/** Ids on the device with the position class of each, int32 (B,T), and the ids of their positions, (B,T). */
export interface Tokens {
  readonly ids: Tensor;
  readonly positions: Tensor;
  readonly classes: Tensor;
}

/** @throws RangeError that names row, position and id. */
export function checkIds(ids: Int32Array, T: number, vocabSize: number, what: string): void {
  for (let n = 0; n < ids.length; n++) {
    if (ids[n] < 0 || ids[n] >= vocabSize) {
      throw new RangeError(
        `${what}: row ${Math.floor(n / T)}, position ${n % T} holds id ${ids[n]}, ` +
          `outside the vocabulary of ${vocabSize}. Were these tokens made by another tokenizer?`,
      );
    }
  }
}

/** Uploads ids that stand at positions `past` and on. @throws RangeError for a bad id or too long a row. */
export function uploadTokens(
  backend: Backend,
  config: Gpt2Config,
  { inputs, B, T }: HostTokens,
  past = 0,
): Tokens {
  if (past + T > config.blockSize) {
    throw new RangeError(`${past + T} positions are more than the model's context of ${config.blockSize}`);
  }
  checkIds(inputs, T, config.vocabSize, "tokens");
  const positions = Int32Array.from({ length: B * T }, (_, n) => past + (n % T));
  const classes = positionClasses(inputs, { B, T, eot: config.eot, past });
  return {
    ids: backend.upload(inputs, [B, T]),
    positions: backend.upload(positions, [B, T]),
    classes: backend.upload(classes, [B, T]),
  };
}

/** Uploads targets, (B,T). @throws RangeError for a bad id. */
export function uploadTargets(backend: Backend, config: Gpt2Config, targets: Int32Array, T: number): Tensor {
  checkIds(targets, T, config.vocabSize, "targets");
  return backend.upload(targets, [targets.length / T, T]);
}

/** Gives the memory of all three back. */
export function freeTokens({ ids, positions, classes }: Tokens): void {
  for (const tensor of [ids, positions, classes]) tensor.free();
}
