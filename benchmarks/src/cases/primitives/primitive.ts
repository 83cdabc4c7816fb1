/** A primitive as a case: its operands, on matrices of s rows and columns, the op in our words, and in those of each peer that has it. */
import { sizeOf, type Tensor } from "@normless/tensor";
import { uniform, type Value } from "@normless/tensor/testing";
import { named, type OpPeerName, type PeerCall } from "../../peers/op-peer.js";

export interface Primitive {
  readonly name: string;
  readonly operands: (s: number) => readonly Value[];
  /** The result, or several, of which the first is checked. */
  readonly ours: (operands: readonly Tensor[]) => Tensor | readonly Tensor[];
  /** How far float32 lets results be apart, where that is not what it is for all. */
  readonly tolerance?: number;
  readonly peers: Readonly<Partial<Record<OpPeerName, PeerCall>>>;
}

export type Calls = readonly [tfjs: PeerCall | undefined, jax: PeerCall | undefined];

export const peersOf = ([tfjs, jax]: Calls): Primitive["peers"] => ({
  ...(tfjs && { "tfjs-wasm": tfjs }),
  ...(jax && { "jax-js": jax }),
});

export const numpy = (name: string, ...more: readonly unknown[]) => named(`numpy.${name}`, ...more);

/** Uniform in ±scale around a center. As `random` of tensor/testing, in a loop that makes millions in no time. */
export function random(shape: readonly number[], seed: number, scale = 1, center = 0): Value {
  const next = uniform(seed);
  const data = new Float32Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) data[i] = center + scale * (2 * next() - 1);
  return { shape, data };
}

/** (s,s) in ±scale around a center; each operand of a case has a seed of its own. */
export const square2 =
  (seed: number, scale = 1, center = 0) =>
  (s: number) =>
    random([s, s], seed, scale, center);
export const x = square2(1);
export const above0 = square2(1, 0.9, 1);

export function one(
  name: string,
  ours: (x: Tensor) => Tensor,
  calls: Calls,
  operand: (s: number) => Value = square2(1, 3),
): Primitive {
  return {
    name,
    operands: (s) => [operand(s)],
    ours: ([x]) => ours(x),
    peers: peersOf(calls),
  };
}

type Two = (a: Tensor, b: Tensor) => Tensor;

export function two(
  name: string,
  ours: Two,
  calls: Calls,
  operands: readonly [(s: number) => Value, (s: number) => Value] = [x, square2(2)],
): Primitive {
  return {
    name,
    operands: (s) => operands.map((make) => make(s)),
    ours: ([a, b]) => ours(a, b),
    peers: peersOf(calls),
  };
}

/** The peers add millions of values in float32 one after the other, and are off by this much at most; ours add in float64. */
export const SUM_OF_ALL = 5e-3;
