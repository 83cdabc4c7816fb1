/**
 * Tensors of random values by a seed and counters, made on the host: the same integers and uniforms on every engine and
 * machine, and normals to 2 units in the last place, since JavaScript engines may differ in a logarithm's last bit.
 */
import { permuted, type Random, randomAt } from "@normless/random";
import { type Backend, enroll, type Shape, sizeOf, type Tensor } from "@normless/tensor";
import { compose, constantBeside, type Result, tensorOf } from "../apply.js";
import type { Value } from "../tape.js";
import { mul, where } from "./binary.js";

/** Which draws: those of a seed, a safe integer, at up to three counters, such as a step and a layer. */
export interface Draw {
  readonly seed: number;
  readonly counters?: readonly number[];
}

const streamOf = ({ seed, counters = [] }: Draw): Random => randomAt(seed, ...counters);

function filled(backend: Backend, shape: Shape, next: () => number): Tensor {
  return enroll(backend.upload(Float32Array.from({ length: sizeOf(shape) }, next), shape));
}

/** From 0 to below 1, a multiple of 2⁻²⁴, which is what float32 holds exactly. */
const uniform24 = (random: Random): number => (random.uint32() >>> 8) / 2 ** 24;

/** Evenly from `low` to below `high`; from 0 to below 1 unless given. @throws RangeError for a seed or counter out of range */
export function uniform(
  backend: Backend,
  shape: Shape,
  { low = 0, high = 1, ...draw }: Draw & { readonly low?: number; readonly high?: number },
): Tensor {
  const random = streamOf(draw);
  return filled(backend, shape, () => low + (high - low) * uniform24(random));
}

/** Normally distributed, of mean 0 and standard deviation 1 unless given. @throws RangeError for a seed or counter out of range */
export function normal(
  backend: Backend,
  shape: Shape,
  { mean = 0, std = 1, ...draw }: Draw & { readonly mean?: number; readonly std?: number },
): Tensor {
  const random = streamOf(draw);
  return filled(backend, shape, () => mean + std * random.normal());
}

/** True with the probability `p`, a half unless given: bool. @throws RangeError for a seed or counter out of range */
export function bernoulli(
  backend: Backend,
  shape: Shape,
  { p = 0.5, ...draw }: Draw & { readonly p?: number },
): Tensor {
  const random = streamOf(draw);
  const data = Uint8Array.from({ length: sizeOf(shape) }, () => Number(uniform24(random) < p));
  return enroll(backend.upload(data, shape));
}

/** The whole numbers from 0 to below `size` in a random order: int32 (size). Two counters at most. @throws RangeError */
export function permutation(backend: Backend, size: number, { seed, counters = [] }: Draw): Tensor {
  const [a = 0, b = 0, ...more] = counters;
  if (more.length > 0)
    throw new RangeError(`permutation: ${counters.length} counters; there may be 2 at most`);
  const data = Int32Array.from({ length: size }, (_, i) => permuted(i, size, seed, [a, b]));
  return enroll(backend.upload(data, [size]));
}

/**
 * x with each value left out, 0, with the probability `p`, and the others larger by as much, 1/(1 − p): for training alone.
 * @throws RangeError for a `p` that is not from 0 to 1, and a seed or counter out of range
 */
export function dropout<X extends Value>(given: X, p: number, draw: Draw): Result<X> {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`dropout: p is ${p}; it goes from 0 to 1`);
  return compose("dropout", [given], (x) => {
    const { backend } = tensorOf(x);
    const kept = constantBeside(x, bernoulli(backend, x.shape, { ...draw, p: 1 - p }));
    return where(kept, p === 1 ? x : mul(x, 1 / (1 - p)), 0);
  });
}

/** How many values each output is made of, and each input goes to: of a weight (in,out), or (out,in,kh,kw) of a convolution. */
function fans(shape: Shape): readonly [fanIn: number, fanOut: number] {
  if (shape.length < 2)
    throw new RangeError(`an initialiser wants two dimensions or more, not ${shape.length}`);
  if (shape.length === 2) return [shape[0], shape[1]];
  const window = sizeOf(shape.slice(2));
  return [shape[1] * window, shape[0] * window];
}

/**
 * Weights to begin with, by the names of PyTorch's torch.nn.init, for w (in,out) as `linear` and `matmul` take it, or a
 * convolution's. Each @throws RangeError for fewer than two dimensions, and a seed or counter out of range
 */
export const init = {
  /** Glorot & Bengio 2010: evenly to ±√(6/(in + out)). */
  xavierUniform(backend: Backend, shape: Shape, draw: Draw): Tensor {
    const high = Math.sqrt(6 / (fans(shape)[0] + fans(shape)[1]));
    return uniform(backend, shape, { ...draw, low: -high, high });
  },
  /** Glorot & Bengio 2010: normally, of variance 2/(in + out). */
  xavierNormal(backend: Backend, shape: Shape, draw: Draw): Tensor {
    return normal(backend, shape, { ...draw, std: Math.sqrt(2 / (fans(shape)[0] + fans(shape)[1])) });
  },
  /** He et al. 2015, before a relu: evenly to ±√(6/in). */
  kaimingUniform(backend: Backend, shape: Shape, draw: Draw): Tensor {
    const high = Math.sqrt(6 / fans(shape)[0]);
    return uniform(backend, shape, { ...draw, low: -high, high });
  },
  /** He et al. 2015, before a relu: normally, of variance 2/in. */
  kaimingNormal(backend: Backend, shape: Shape, draw: Draw): Tensor {
    return normal(backend, shape, { ...draw, std: Math.sqrt(2 / fans(shape)[0]) });
  },
} as const;
