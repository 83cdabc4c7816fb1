/** Random norms, weights and residuals in float64 on the reference backend, and how the tests run ops on them. */
import { Tape, type Variable } from "@normless/autograd";
import { type PerClass, reference, type Shape, type Tensor, type TensorData } from "@normless/tensor";
import { integers, random, type Value } from "@normless/tensor/testing";
import fc from "fast-check";
import type { FrozenParameters, LinearWeights, Matrix } from "../src/index.js";

export const backend = reference();
export const TOLERANCE = 1e-10;

export const size = fc.integer({ min: 1, max: 7 });
export const seed = fc.integer({ min: 0, max: 2 ** 30 });
export const std = fc.double({ min: 0.05, max: 150, noNaN: true });
export const perClass: fc.Arbitrary<PerClass> = fc.record({ first: std, eot: std, rest: std });

/** The sizes of a small norm and what reads it, the std it divides by, and a seed for all values. */
export const world = fc.record({ B: size, T: size, C: size, M: size, std, seed });
export interface Sizes {
  readonly B: number;
  readonly T: number;
  readonly C: number;
  readonly seed: number;
}

export function up({ data, shape }: { readonly data: TensorData; readonly shape: Shape }): Tensor {
  return backend.upload(data, shape);
}

export function doubles(shape: Shape, ofSeed: number, scale = 1, center = 0): Float64Array {
  return Float64Array.from(random(shape, ofSeed, scale, center).data);
}

export function matrix(rows: number, columns: number, ofSeed: number): Matrix {
  return { rows, columns, data: doubles([rows, columns], ofSeed) };
}

export function upMatrix({ rows, columns, data }: Matrix): Tensor {
  return backend.upload(data, [rows, columns]);
}

/** x (B,T,C) that is far from mean-free, its classes (B,T), gamma and beta (C). */
export function residual({ B, T, C, seed: s }: Sizes) {
  const parameters = { gamma: doubles([C], s + 1, 1, 1), beta: doubles([C], s + 2) };
  return {
    x: { data: doubles([B, T, C], s, 5, 3), shape: [B, T, C] },
    classes: integers([B, T], s + 3, 3),
    ...parameters,
    operands: (classes: Value) => ({
      gamma: backend.upload(parameters.gamma, [C]),
      beta: backend.upload(parameters.beta, [C]),
      classes: up(classes),
    }),
  };
}

export function linearWeights(C: number, M: number, s: number): LinearWeights {
  return { w: matrix(C, M, s + 10), bias: doubles([M], s + 11) };
}

/** The norm that changes nothing but the mean. */
export function unitNorm(C: number): FrozenParameters {
  return { gamma: new Float64Array(C).fill(1), beta: new Float64Array(C), std: 1 };
}

/** The values of what `build` makes of x, and nothing else kept. */
export async function valuesOf(
  x: { readonly data: TensorData; readonly shape: Shape },
  build: (x: Variable) => Variable,
): Promise<TensorData> {
  const tape = new Tape(backend, { record: false });
  const input = up(x);
  const values = await build(tape.constant(input)).tensor.read();
  tape.free();
  input.free();
  return values;
}
